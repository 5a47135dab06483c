import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { hostProblem } from "../infra/host-problem.ts";
import { HOST_OUTPUTS } from "../infra/host-reference.ts";
import { tunnelKubeconfig } from "../infra/kubeconfig.ts";
import { ConfigError, type OnCluster } from "./config.ts";

/** How a stack reaches its cluster. */
interface Access {
  /** Path of a kubeconfig: up, refresh and destroy read the file as it is then. */
  readonly kubeconfig: string;
  readonly context?: string;
  /** Keeps everything in place when the address or the certificates change. */
  readonly clusterIdentifier?: pulumi.Input<string>;
}

/**
 * Throws {@link ConfigError} when the machine of a host stack cannot be used: with what `npm run host:status` says,
 * and before a provider waits for it.
 */
export async function checkHost({ host }: OnCluster): Promise<void> {
  if (host === undefined) return;
  const problem = await hostProblem(host.stack, async () => {
    const reference = hostStack(host.stack);
    const entries = HOST_OUTPUTS.map(async (key) => {
      return [key, (await reference.getOutputDetails(key)).value as unknown] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  });
  if (problem !== undefined) throw new ConfigError(`${problem}\n  Nothing was touched.`);
}

/** The provider of everything that a stack makes on its cluster. Throws {@link ConfigError}. */
export function clusterProvider({ host, cluster }: OnCluster): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(host !== undefined ? throughHost(host.stack) : cluster !== undefined ? own(cluster) : {}),
    // Replacing a ConfigMap or Secret would tear it from under the pods that watch it.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
  });
}

function throughHost(stack: string): Access {
  return {
    kubeconfig: tunnelKubeconfig(stack),
    clusterIdentifier: hostStack(stack).requireOutput("clusterIdentifier").apply(String),
  };
}

function hostStack(stack: string): pulumi.StackReference {
  return new pulumi.StackReference("host", { name: qualified(stack) });
}

/** A stack's bare name stands for one of this project and organization. */
function qualified(stack: string): string {
  return stack.includes("/")
    ? stack
    : `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
}

function own(cluster: NonNullable<OnCluster["cluster"]>): Access {
  const { context } = cluster;
  return { kubeconfig: kubeconfigPath(cluster), ...(context !== undefined && { context }) };
}

function kubeconfigPath(cluster: NonNullable<OnCluster["cluster"]>): string {
  const path = resolve(cluster.kubeconfig.replace(/^~(?=\/)/, homedir()));
  if (!existsSync(path)) {
    throw new ConfigError(
      `cluster.kubeconfig = ${JSON.stringify(cluster.kubeconfig)} does not exist; nothing was touched.\n` +
        "  Name the file of a running cluster: pulumi config set --path cluster.kubeconfig <file>",
    );
  }
  return path;
}
