import { join } from "node:path";
import type { Lab } from "./cluster/index.ts";
import { enterCommand, runningSandbox } from "./cluster/sandbox.ts";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi/cli.ts";

/** Pulumi inside a running lab, with state, passphrase and stack files that go with it. */
export async function labPulumi(lab: Lab, progress: Progress): Promise<Pulumi> {
  return await Pulumi.open({
    clone: lab.cloneDir,
    dir: join(lab.dir, "pulumi"),
    progress,
    wrap: (argv, cwd) => enterCommand(runningSandbox(lab), argv, { netns: "node", cwd }),
  });
}
