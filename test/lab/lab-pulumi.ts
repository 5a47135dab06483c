import { join } from "node:path";
import type { Lab } from "./cluster/index.ts";
import { enterCommand, runningSandbox } from "./cluster/sandbox.ts";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi/cli.ts";

/**
 * Pulumi inside a running lab, with state, passphrase and stack files that go with it; with `program`, a file of the
 * clone, one of its own that runs that program.
 */
export async function labPulumi(lab: Lab, progress: Progress, program?: string): Promise<Pulumi> {
  return await Pulumi.open({
    clone: lab.cloneDir,
    dir: join(lab.dir, program === undefined ? "pulumi" : "pulumi-of-a-test"),
    progress,
    ...(program !== undefined && { program }),
    wrap: (argv, cwd) => enterCommand(runningSandbox(lab), argv, { netns: "node", cwd }),
  });
}
