import * as pulumi from "@pulumi/pulumi";
import type { EnvironmentVariable } from "../components/agents/environment.ts";

/** An agent's environment, by which a restart is recognised. */
export interface AgentEnvironment {
  readonly name: string;
  readonly variables: readonly EnvironmentVariable[];
}

/** The part of a stack's outputs in which the last update left the environment. */
interface LastOutputs {
  readonly agents?: Readonly<
    Record<
      string,
      {
        readonly podPatch?: {
          readonly spec: {
            readonly containers: readonly { readonly env: readonly EnvironmentVariable[] }[];
          };
        };
      }
    >
  >;
}

/** Warns in a preview, which `pulumi up` begins with, that the update restarts agents because their environment changes. */
export function warnOfRestarts(agents: readonly AgentEnvironment[], runners: boolean): void {
  // During an update the engine rewrites the stack's state, and reading it has failed with "EOF".
  if (!pulumi.runtime.isDryRun()) return;
  const stack = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  // The stack's own outputs, as the last update left them.
  new pulumi.StackReference("last", { name: stack }).outputs.apply((last) => {
    const warning = restartWarning(last, agents, runners);
    if (warning !== undefined) void pulumi.log.warn(warning);
  });
}

/** Which agents restart, and why; `undefined` when none does. */
export function restartWarning(
  last: LastOutputs,
  agents: readonly AgentEnvironment[],
  runners: boolean,
): string | undefined {
  const changes = agents.map(({ name, variables }) => {
    const env = last.agents?.[name]?.podPatch?.spec.containers[0]?.env;
    return { name, changed: env === undefined ? [] : changedVariables(env, variables) };
  });
  const restarted = changes.filter(({ changed }) => changed.length > 0);
  if (restarted.length === 0) return undefined;
  const names = restarted.map(({ name }) => name).join(", ");
  const variables = [...new Set(restarted.flatMap(({ changed }) => changed))].sort().join(", ");
  return (
    `This update restarts agents, because their environment changes: ${names} (${variables}). ` +
    (runners ? "Their runners restart with it. " : "") +
    "A workload of your own needs the new podPatch, and the gateway may refuse its requests until it has it."
  );
}

/** Names of the variables that were added, removed or changed. */
function changedVariables(
  before: readonly EnvironmentVariable[],
  after: readonly EnvironmentVariable[],
): string[] {
  const texts = (variables: readonly EnvironmentVariable[]) =>
    new Map(
      variables.map((variable) => [
        variable.name,
        "value" in variable
          ? variable.value
          : `${variable.valueFrom.secretKeyRef.name}/${variable.valueFrom.secretKeyRef.key}`,
      ]),
    );
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => old.get(name) !== now.get(name),
  );
}
