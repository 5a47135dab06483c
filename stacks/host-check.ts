import * as pulumi from "@pulumi/pulumi";
import { hostProblem } from "../infra/access/host-problem.ts";
import { HOST_OUTPUTS } from "../infra/access/host-reference.ts";
import { type FullStackName, fullStackName } from "../infra/access/stack-name.ts";
import { ConfigError, type OnCluster } from "./config.ts";

/**
 * Throws {@link ConfigError} when the machine of a host stack cannot be used, before a provider waits for it. The
 * message includes what `npm run host:status` says.
 */
export async function checkHost({ host }: OnCluster): Promise<void> {
  if (host === undefined) return;
  const problem = await hostProblem(hostStackName(host.stack), async () => {
    const reference = hostStack(host.stack);
    const entries = HOST_OUTPUTS.map(async (key) => {
      return [key, (await reference.getOutputDetails(key)).value as unknown] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  });
  if (problem !== undefined) throw new ConfigError(`${problem}\n  Nothing was changed.`);
}

/** A reference to the host stack. Make only one in a program, because its resource name is fixed. */
export function hostStack(stack: string): pulumi.StackReference {
  return new pulumi.StackReference("host", { name: hostStackName(stack) });
}

/** A host stack's full name. The running stack's organization and project are the defaults. */
export function hostStackName(stack: string): FullStackName {
  return fullStackName(stack, {
    organization: pulumi.getOrganization(),
    project: pulumi.getProject(),
  });
}
