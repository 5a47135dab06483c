import { existsSync } from "node:fs";
import { join } from "node:path";
import { BadInput } from "../../../../cli/command-line.ts";
import {
  type FullStackName,
  fullStackName,
  isFullStackName,
} from "../../../../infra/access/stack-name.ts";
import { findFullName } from "../../../../infra/access/host-options.ts";
import {
  configuredFile,
  kubeconfigProblem,
  tunnelKubeconfig,
} from "../../../../infra/access/kubeconfig.ts";
import { openLab, type Lab, sandboxInit } from "../../../lab/cluster/index.ts";
import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { Progress } from "../../../lab/progress.ts";
import { run } from "../../../lab/pulumi/run.ts";
import { labTarget, type Target, userTarget } from "../../../lab/target.ts";
import { ensureUpstream } from "../../../lab/upstream.ts";

/** A deployed stack and its cluster. */
export interface FoundStack {
  readonly target: Target;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The fake API, if the stack is on the embedded cluster. */
  readonly upstream: AnthropicControl | undefined;
}

/**
 * Finds a stack by name: on the embedded cluster, on the cluster of a kubeconfig, or in the user's own Pulumi. Starts
 * nothing. Throws {@link BadInput}.
 */
export async function findStack(
  stack: string,
  kubeconfig: string | undefined,
  progress: Progress,
): Promise<FoundStack> {
  const lab = openLab();
  if (kubeconfig !== undefined) return onCluster(lab, stack, kubeconfig, progress);
  const known: string[] = [];
  if (sandboxInit(lab) !== undefined) {
    const target = await labTarget(lab, progress);
    const pulumi = await target.pulumi(progress);
    known.push(...(await pulumi.stacks()));
    if (known.includes(stack)) {
      const outputs = await pulumi.stack(stack).outputs();
      return { target, outputs, upstream: await ensureUpstream(lab) };
    }
  } else if (existsSync(join(lab.dir, "pulumi/project/config", `Pulumi.${stack}.yaml`))) {
    throw new BadInput(
      `stack ${stack} is on the embedded cluster, which is not running. Start it: npm run local`,
    );
  }
  return inUsersPulumi(lab, stack, known, progress);
}

async function onCluster(
  lab: Lab,
  stack: string,
  kubeconfig: string,
  progress: Progress,
): Promise<FoundStack> {
  const target = await usersCluster(lab, { kubeconfig }, progress);
  const pulumi = await target.pulumi(progress);
  const known = await pulumi.stacks();
  if (!known.includes(stack)) throw noSuchStack(stack, known);
  return { target, outputs: await pulumi.stack(stack).outputs(), upstream: undefined };
}

async function inUsersPulumi(
  lab: Lab,
  stack: string,
  known: readonly string[],
  progress: Progress,
): Promise<FoundStack> {
  const pulumi = async (...args: string[]) => {
    const argv = ["pulumi", ...args, "--stack", stack, "--non-interactive"] as const;
    const ended = await run({ argv: [...argv], cwd: lab.cloneDir, env: process.env }).catch(
      () => undefined,
    );
    return ended?.exitCode === 0 ? ended.stdout : undefined;
  };
  const outputs = await pulumi("stack", "output", "--json");
  if (outputs === undefined) throw noSuchStack(stack, known);
  const config = async (path: string) => (await pulumi("config", "get", "--path", path))?.trim();
  const host = await config("host.stack");
  const cluster =
    host === undefined
      ? { kubeconfig: await config("cluster.kubeconfig"), context: await config("cluster.context") }
      : throughTunnel(await fullHostName(host, stack));
  if (!cluster.kubeconfig) {
    throw new BadInput(
      `stack ${stack} names no cluster. Set it: pulumi config set --path cluster.kubeconfig FILE`,
    );
  }
  const access = { kubeconfig: configuredFile(cluster.kubeconfig), context: cluster.context };
  return {
    target: await usersCluster(lab, access, progress),
    outputs: JSON.parse(outputs) as Record<string, unknown>,
    upstream: undefined,
  };
}

/** The full name of the host that a stack names, completed as the stack itself does. */
async function fullHostName(host: string, stack: string): Promise<FullStackName> {
  if (isFullStackName(host)) return host;
  const [organization = "", project = ""] = (await findFullName(stack)).split("/");
  return fullStackName(host, { organization, project });
}

function throughTunnel(host: FullStackName) {
  const problem = kubeconfigProblem(host);
  if (problem !== undefined) throw new BadInput(problem);
  return { kubeconfig: tunnelKubeconfig(host), context: undefined };
}

/** A cluster for reading only; nothing is deployed to it. */
function usersCluster(
  { cloneDir: clone }: Lab,
  access: { readonly kubeconfig: string; readonly context?: string | undefined },
  progress: Progress,
): Promise<Target> {
  return userTarget({ ...access, clone, runnerImage: "", apiKey: "" }, progress);
}

function noSuchStack(stack: string, known: readonly string[]): BadInput {
  const others = known.length === 0 ? "" : ` (known stacks: ${known.join(", ")})`;
  return new BadInput(`no stack ${stack}${others}. npm run local deploys the stack "local"`);
}
