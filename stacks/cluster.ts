import * as k8s from "@pulumi/kubernetes";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { ConfigError, type OnCluster } from "./config.ts";

/** The path of the kubeconfig a stack deploys with. Throws {@link ConfigError} when it is not there. */
export function kubeconfigPath(cluster: NonNullable<OnCluster["cluster"]>): string {
  const path = resolve(cluster.kubeconfig.replace(/^~(?=\/)/, homedir()));
  if (!existsSync(path)) {
    throw new ConfigError(
      `cluster.kubeconfig = ${JSON.stringify(cluster.kubeconfig)} does not exist; nothing was touched.\n` +
        "  Name the file of a running cluster: pulumi config set --path cluster.kubeconfig <file>",
    );
  }
  return path;
}

/** The provider of everything that a stack makes on its cluster. */
export function clusterProvider(config: OnCluster): k8s.Provider {
  if (config.cluster === undefined) {
    throw new ConfigError("host.stack is not supported yet: set cluster.kubeconfig");
  }
  return new k8s.Provider("cluster", {
    kubeconfig: kubeconfigPath(config.cluster),
    ...(config.cluster.context !== undefined && { context: config.cluster.context }),
    // Replacing a ConfigMap or Secret would tear it from under the pods that watch it.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
  });
}
