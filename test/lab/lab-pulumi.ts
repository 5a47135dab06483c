import { join } from "node:path";
import type { Lab } from "./cluster/index.ts";
import { enterCommand, runningSandbox } from "./cluster/sandbox.ts";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi/cli.ts";

/**
 * Pulumi inside a running lab, with state, passphrase and stack files that are removed with the lab. `program` is a file of
 * the clone; with it, Pulumi has a separate state and runs that program instead of the project's.
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
