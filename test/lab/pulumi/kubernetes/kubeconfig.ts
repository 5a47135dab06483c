import { KubeConfig, type Cluster } from "@kubernetes/client-node";
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Which cluster, context and namespace take precedence over those of a kubeconfig. */
export interface Overrides {
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Reads a kubeconfig, given as its path or as its content. */
export function parseKubeconfig(pathOrContent: string): KubeConfig {
  const config = new KubeConfig();
  const path = pathOrContent.startsWith("~/")
    ? join(homedir(), pathOrContent.slice(2))
    : pathOrContent;
  if (isFile(path)) {
    config.loadFromString(readFileSync(path, "utf8"));
    config.makePathsAbsolute(dirname(path));
  } else {
    config.loadFromString(pathOrContent);
  }
  return config;
}

/** The kubeconfig that kubectl would take: `$KUBECONFIG`, the home folder's, that of a pod. */
export function ambientKubeconfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}

/** Applies overrides in place; throws what client-go would say where they name something that is not there. */
export function selectContext(config: KubeConfig, { context, cluster }: Overrides): void {
  if (context !== undefined) config.setCurrentContext(context);
  const current = config.getContextObject(config.getCurrentContext());
  if (!current) throw new Error(`context "${config.getCurrentContext()}" does not exist`);
  if (cluster !== undefined) Object.assign(current, { cluster });
  if (!config.getCurrentCluster()) throw new Error(`cluster "${current.cluster}" does not exist`);
}

/** The namespace for objects that name none. */
export function defaultNamespace(config: KubeConfig, overrides: Overrides): string {
  const context = config.getContextObject(config.getCurrentContext());
  return overrides.namespace ?? context?.namespace ?? "default";
}

/** The cluster that a kubeconfig points to, or `undefined` where it points to none. */
export function activeCluster(
  config: KubeConfig,
  { context, cluster }: Overrides,
): Cluster | undefined {
  const current = config.getContextObject(context ?? config.getCurrentContext());
  if (!current) return undefined;
  return config.getCluster(cluster ?? current.cluster) ?? undefined;
}

function isFile(path: string): boolean {
  // A kubeconfig's content is no path: it is longer than one may be, and has line breaks.
  return path.length < 4096 && !path.includes("\n") && existsSync(path) && statSync(path).isFile();
}
