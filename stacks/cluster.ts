import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { existsSync } from "node:fs";
import { configuredFile, tunnelKubeconfig } from "../infra/access/kubeconfig.ts";
import { ConfigError, type OnCluster } from "./config.ts";
import { hostStack, hostStackName } from "./host-check.ts";

/** How a stack reaches its cluster. */
interface Access {
  /** Path of a kubeconfig: up, refresh and destroy read the file as it is then. */
  readonly kubeconfig: string;
  readonly context?: string;
  /** Keeps everything in place when the address or the certificates change. */
  readonly clusterIdentifier?: pulumi.Input<string>;
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
    kubeconfig: tunnelKubeconfig(hostStackName(stack)),
    clusterIdentifier: hostStack(stack).requireOutput("clusterIdentifier").apply(String),
  };
}

function own(cluster: NonNullable<OnCluster["cluster"]>): Access {
  const { context } = cluster;
  return { kubeconfig: kubeconfigPath(cluster), ...(context !== undefined && { context }) };
}

function kubeconfigPath(cluster: NonNullable<OnCluster["cluster"]>): string {
  const path = configuredFile(cluster.kubeconfig);
  if (!existsSync(path)) {
    throw new ConfigError(
      `cluster.kubeconfig = ${JSON.stringify(cluster.kubeconfig)} does not exist (looked for ${path}); nothing was touched.\n` +
        "  Name the file of a running cluster: pulumi config set --path cluster.kubeconfig <file>",
    );
  }
  return path;
}
