import * as pulumi from "@pulumi/pulumi";
import { type AgentShare, agentShare, shareProblem } from "../components/agents/share.ts";
import { hostProblem } from "../infra/access/host-problem.ts";
import { HOST_OUTPUTS } from "../infra/access/host-reference.ts";
import { type FullStackName, fullStackName } from "../infra/access/stack-name.ts";
import { readMachineSize, roomForPods } from "../infra/machine/room.ts";
import { ConfigError, type OnCluster } from "./config.ts";

/** The host stack of a stack, whose machine was found usable. */
export interface Host {
  readonly stack: FullStackName;
  readonly outputs: pulumi.StackReference;
  /** What each agent may request. `undefined` if the host stack was last updated by a release that did not say its size. */
  readonly share: AgentShare | undefined;
}

/**
 * Throws {@link ConfigError} when the machine of a host stack cannot be used, before a provider waits for it, or when it
 * is too small for the agents. The message about a machine includes what `npm run host:status` says.
 */
export async function checkHost(config: OnCluster): Promise<Host | undefined> {
  if (config.host === undefined) return undefined;
  const stack = fullStackName(config.host.stack, {
    organization: pulumi.getOrganization(),
    project: pulumi.getProject(),
  });
  // Only one in a program, because its resource name is fixed.
  const outputs = new pulumi.StackReference("host", { name: stack });
  const output = async (key: string): Promise<unknown> =>
    (await outputs.getOutputDetails(key)).value;

  const problem = await hostProblem(stack, async () => {
    const entries = HOST_OUTPUTS.map(async (key) => [key, await output(key)] as const);
    return Object.fromEntries(await Promise.all(entries));
  });
  if (problem !== undefined) throw new ConfigError(`${problem}\n  Nothing was changed.`);

  const size = readMachineSize(await output("size"));
  if (size === undefined) return { stack, outputs, share: undefined };
  const agents = config.kind === "gateway" ? config.agents.length : 1;
  const share = agentShare(roomForPods(size), agents);
  const tooSmall = shareProblem(share);
  if (tooSmall !== undefined) {
    throw new ConfigError(
      `agents: ${agents} do not fit on the machine of ${stack} (${size.cpus} vCPUs, ${size.memoryGb} GB of memory, ` +
        `${size.bootDiskGb} GB boot disk): ${tooSmall}. Nothing was changed.\n` +
        `  Take a larger machine (pulumi config set --path host.machineType <type> -s ${stack}; bootDiskGb for the disk), ` +
        "or have fewer agents",
    );
  }
  return { stack, outputs, share };
}
