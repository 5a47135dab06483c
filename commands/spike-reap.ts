/** `npm run spike:reap [-- --orphans]`: destroys spikes past their time to live. */
import { readArguments, runCommand, UsageError } from "../cli/command-line.ts";
import { ownSpikes, pulumiIsInstalled } from "./spike-reap/own-pulumi.ts";
import { reap } from "./spike-reap/reap.ts";
import type { Spikes } from "./spike-reap/spikes.ts";

const USAGE = `usage: npm run spike:reap [-- OPTIONS]

Destroys and removes every stack of kind spike that was created longer ago than its spike.ttl.

  --orphans   also delete expired namespaces of spikes that no stack owns
  --lab       use this clone's embedded cluster instead of your own cluster
  --help      show this

By default it uses the stacks of the backend that \`pulumi\` is logged in to and, for --orphans, the cluster of
kubectl's current context. If \`pulumi\` is not installed, --lab is implied.
Exit code: 0 no expired spike is left, 1 something could not be reaped, 2 bad input.`;

const FLAG = { type: "boolean", default: false } as const;

const report = (text: string) => process.stdout.write(`${text}\n`);

await runCommand(
  async (signal) => {
    const { help, orphans, lab } = readArguments(process.argv.slice(2), {
      help: FLAG,
      orphans: FLAG,
      lab: FLAG,
    });
    if (help) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const spikes = lab || !(await pulumiIsInstalled()) ? await labSpikes() : ownSpikes;
    const reaped = await reap(spikes, { orphans, report, signal });
    const all = [reaped.stacks, reaped.orphans];
    const count = (which: "gone" | "kept" | "failed") =>
      all.reduce((total, each) => total + each[which].length, 0);
    report(`${count("gone")} reaped, ${count("kept")} kept, ${count("failed")} failed`);
    return count("failed") === 0 ? 0 : 1;
  },
  { usage: USAGE, onInterrupt: (signal) => report(`${signal}: stopping`) },
);

/** Imported only when needed: a deployment that never uses the lab does not need the lab's parts. */
async function labSpikes(): Promise<Spikes> {
  const { runningLabSpikes } = await import("./spike-reap/lab-spikes.ts");
  const spikes = await runningLabSpikes();
  if (spikes !== undefined) return spikes;
  throw new UsageError(
    "The embedded cluster is not running, so it has no spikes to reap. " +
      "To reap the spikes of your own cluster, install pulumi and omit --lab",
  );
}
