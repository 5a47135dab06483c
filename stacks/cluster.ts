import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { existsSync } from "node:fs";
import { configuredFile, tunnelKubeconfig } from "../infra/access/kubeconfig.ts";
import { ConfigError, type OnCluster } from "./config.ts";
import type { Host } from "./host-check.ts";

/** How a stack reaches its cluster. */
interface Access {
  /** Path of a kubeconfig. Every `up`, `refresh` and `destroy` reads the file again. */
  readonly kubeconfig: string;
  readonly context?: string;
  /** Avoids replacements when the cluster's address or certificates change. */
  readonly clusterIdentifier?: pulumi.Input<string>;
}

/** The provider for everything on a stack's cluster. Throws {@link ConfigError} when the kubeconfig does not exist. */
export function clusterProvider({ cluster }: OnCluster, host: Host | undefined): k8s.Provider {
  return new k8s.Provider("cluster", {
    ...(host !== undefined ? throughHost(host) : cluster !== undefined ? own(cluster) : {}),
    // Change ConfigMaps and Secrets in place: pods that watch one would lose it in a replacement.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
  });
}

function throughHost({ stack, outputs }: Host): Access {
  return {
    kubeconfig: tunnelKubeconfig(stack),
    clusterIdentifier: outputs.requireOutput("clusterIdentifier").apply(String),
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
      `cluster.kubeconfig = ${JSON.stringify(cluster.kubeconfig)} does not exist (looked for ${path}); nothing was changed.\n` +
        "  Give the kubeconfig of a running cluster: pulumi config set --path cluster.kubeconfig <file>",
    );
  }
  return path;
}
