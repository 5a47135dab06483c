import type { Spikes } from "./spikes.ts";
import { kubectl, openLab, sandboxInit } from "../../test/lab/cluster/index.ts";
import { labPulumi } from "../../test/lab/lab-pulumi.ts";
import { lineProgress } from "../../test/lab/progress.ts";
import { type Pulumi, PulumiFailed } from "../../test/lab/pulumi/cli.ts";
import type { Target } from "../../test/lab/target.ts";

/** The spikes on this clone's lab; `undefined` if the lab does not run. */
export async function runningLabSpikes(): Promise<Spikes | undefined> {
  const lab = openLab();
  if (sandboxInit(lab) === undefined) return undefined;
  const pulumi = await labPulumi(lab, lineProgress());
  const show = (text: string) => void process.stderr.write(text);
  return pulumiSpikes(pulumi, { kubectl: (args) => kubectl(lab, args) }, show);
}

/** The spikes of a {@link Pulumi} and of its cluster. */
export function pulumiSpikes(
  pulumi: Pulumi,
  cluster: Pick<Target, "kubectl">,
  onOutput: (text: string) => void,
): Spikes {
  return {
    stacks: () => pulumi.stacks(),
    exportState: (stack) => pulumi.stack(stack).export(),
    destroy: (stack) => pulumi.stack(stack).destroy({ onOutput }).catch(inOneLine),
    remove: (stack) => pulumi.stack(stack).remove().catch(inOneLine),
    kubectl: (args) => cluster.kubectl(args),
  };
}

// Pulumi's output was already shown while it ran.
function inOneLine(error: unknown): never {
  if (!(error instanceof PulumiFailed)) throw error;
  throw new Error(error.message.split(":\n", 1)[0], { cause: error });
}
