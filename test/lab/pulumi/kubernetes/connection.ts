import { ApiClient } from "./client.ts";
import { Cluster } from "./cluster.ts";
import { Discovery } from "./discovery.ts";
import { messageOf } from "./errors.ts";
import {
  ambientKubeconfig,
  defaultNamespace,
  parseKubeconfig,
  selectContext,
} from "./kubeconfig.ts";
import type { Settings } from "./settings.ts";

/** The cluster that the provider is configured for, or why there is none within reach. */
export type Connection =
  | { readonly cluster: Cluster; readonly unreachable: undefined; readonly namespace: string }
  | { readonly cluster: undefined; readonly unreachable: string; readonly namespace: string };

/** Finds the cluster of the settings and asks it for what it serves. */
export async function connect(settings: Settings): Promise<Connection> {
  let namespace = settings.namespace ?? "default";
  const unreachable = (reason: string): Connection => ({
    cluster: undefined,
    unreachable: reason,
    namespace,
  });
  let config;
  try {
    config =
      settings.kubeconfig === undefined
        ? ambientKubeconfig()
        : parseKubeconfig(settings.kubeconfig);
    namespace = defaultNamespace(config, settings);
  } catch (error) {
    return unreachable(
      `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${messageOf(error)}`,
    );
  }
  try {
    selectContext(config, settings);
  } catch (error) {
    return unreachable(
      "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n" +
        " \t • set up the provider as per " +
        "https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ \n\n " +
        messageOf(error),
    );
  }
  const client = new ApiClient(config, settings.requestTimeoutSeconds);
  const discovery = new Discovery(client);
  try {
    await discovery.load();
  } catch (error) {
    return unreachable(
      `unable to load schema information from the API server: ${messageOf(error)}`,
    );
  }
  return { cluster: new Cluster(client, discovery), unreachable: undefined, namespace };
}
