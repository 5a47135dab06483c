import { writeFile } from "node:fs/promises";
import { findStack } from "../conformance/subject/find-stack.ts";
import { BadInput } from "../conformance/subject/subject.ts";
import { openLab } from "../lab/cluster/index.ts";
import { lineProgress, type Progress } from "../lab/progress.ts";
import { measureEgress } from "./measure.ts";
import { type Options, parseOptions } from "./options.ts";
import { type EgressReport, renderEgressReport } from "./report.ts";

/** `npm run verify:egress`: every way out that we know of, tried from a real agent's container. */
async function main(): Promise<number> {
  const progress = lineProgress();
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      progress.note(`${signal}: stopping`);
      interrupted.abort(new Error("interrupted"));
    });
  }
  try {
    const options = parseOptions(process.argv.slice(2));
    const report = await measure(options, progress, interrupted.signal);
    process.stdout.write(renderEgressReport(report));
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    return report.verdict === "closed" ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof BadInput ? 2 : 1;
  }
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

process.exitCode = await main();
