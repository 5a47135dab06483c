import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { findStack } from "../conformance/subject/find-stack.ts";
import { BadInput } from "../conformance/subject/subject.ts";
import { openLab } from "../lab/cluster/index.ts";
import { lineProgress, type Progress } from "../lab/progress.ts";
import {
  type AttemptResult,
  attempts,
  badPods,
  goodPod,
  measureAttempt,
  measureBadPod,
} from "./measure.ts";
import { type EgressReport, renderEgressReport } from "./report.ts";
import { surroundingsOf } from "./surroundings.ts";
import { Witness } from "./witness.ts";

const USAGE = `npm run verify:egress -- --stack STACK [OPTIONS]   the ways out, tried from an agent's pod

  --json FILE         write the report as JSON
  --kubeconfig FILE   the stack was made by npm run local -- --kubeconfig FILE`;

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
    const options = readArguments(process.argv.slice(2));
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
  { stack, kubeconfig }: ReturnType<typeof readArguments>,
  progress: Progress,
  signal: AbortSignal,
): Promise<EgressReport> {
  const { target, outputs, upstream } = await findStack(stack, kubeconfig, progress);
  const around = await surroundingsOf(target, stack, outputs);
  const witness = upstream === undefined ? undefined : await Witness.start(openLab());
  try {
    const checks = await progress.step(`Trying every way out (${stack})`, async (status) => {
      const results: AttemptResult[] = [];
      for (const attempt of attempts) {
        signal.throwIfAborted();
        results.push(await measureAttempt(attempt, around, { target, witness }));
        status(`${results.length} of ${attempts.length + badPods.length}`);
      }
      const good = await goodPod(target, around);
      for (const pod of badPods) {
        signal.throwIfAborted();
        results.push(await measureBadPod(pod, good, target));
        status(`${results.length} of ${attempts.length + badPods.length}`);
      }
      return results;
    });
    return {
      stack,
      path: around.variant,
      versions: {},
      view: witness === undefined ? "agent" : "both-sides",
      checks,
      verdict: checks.some(({ status }) => status === "fail") ? "open" : "closed",
    };
  } finally {
    await witness?.stop();
  }
}

function readArguments(argv: readonly string[]) {
  const read = () => {
    try {
      return parseArgs({
        args: [...argv],
        options: {
          stack: { type: "string" },
          json: { type: "string" },
          kubeconfig: { type: "string" },
        },
      }).values;
    } catch (error) {
      throw new BadInput(`${(error as Error).message}\n\n${USAGE}`);
    }
  };
  const { stack, ...rest } = read();
  if (stack === undefined) throw new BadInput(`--stack is missing\n\n${USAGE}`);
  return { stack, ...rest };
}

process.exitCode = await main();
