import { runCommand } from "../cli/command-line.ts";
import { openLab, takeDown } from "../test/lab/cluster/index.ts";
import { lineProgress } from "../test/lab/progress.ts";
import { labTarget, userTarget } from "../test/lab/target.ts";
import { parseOptions, USAGE } from "./local/options.ts";
import { bringUp, tearDown } from "./local/session.ts";
import { renderSummary } from "./local/summary.ts";

const progress = lineProgress();

/** `npm run local`: runs two real Claude Code turns through the gateway, starting from a fresh clone. */
async function main(signal: AbortSignal): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.env);
  const lab = openLab();
  if (options.down && options.cluster === undefined) {
    await takeDown(lab, progress);
    progress.note("The embedded cluster is stopped. The build cache is kept.");
    return 0;
  }
  const target =
    options.cluster === undefined
      ? await labTarget(lab, progress)
      : await userTarget({ clone: lab.cloneDir, ...options.cluster }, progress);
  if (options.down) {
    await tearDown(target, progress);
    return 0;
  }
  const session = await bringUp(target, options, progress, signal);
  process.stdout.write(renderSummary(session));
  return session.turns.some((turn) => turn.is_error) ? 1 : 0;
}

await runCommand(main, {
  usage: USAGE,
  onInterrupt: (signal) => {
    progress.note(`${signal}: stopping; npm run local -- --down removes the cluster`);
  },
});
