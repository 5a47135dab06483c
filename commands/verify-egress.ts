import { writeFile } from "node:fs/promises";
import { runCommand } from "../cli/command-line.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { openLab } from "../test/lab/cluster/index.ts";
import { lineProgress, type Progress } from "../test/lab/progress.ts";
import { measureEgress } from "../test/verify/egress/measure.ts";
import { type Options, parseOptions, USAGE } from "../test/verify/egress/options.ts";
import { type EgressReport, renderEgressReport } from "../test/verify/egress/report.ts";

const progress = lineProgress();

/** `npm run verify:egress`: tries every known way to reach the internet or the cluster from a real agent's container. */
async function main(signal: AbortSignal): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const report = await measure(options, progress, signal);
  process.stdout.write(renderEgressReport(report));
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return report.verdict === "closed" ? 0 : 1;
}

async function measure(
  { stack, kubeconfig }: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<EgressReport> {
  const { target, outputs, upstream } = await findStack(stack, kubeconfig, progress);
  const lab = upstream === undefined ? undefined : openLab();
  const args = { target, stack, outputs, upstream, lab, signal };
  return progress.step(`Trying every way out (${stack})`, (status) =>
    measureEgress({ ...args, status }),
  );
}

await runCommand(main, {
  usage: USAGE,
  onInterrupt: (signal) => {
    progress.note(`${signal}: stopping`);
  },
});
