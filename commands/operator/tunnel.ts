import { tunnelArguments } from "../../infra/access/gcloud.ts";
import type { HostReference } from "../../infra/access/host-reference.ts";
import { API_PORT } from "../../infra/machine/k3s-config.ts";
import type { View } from "./kubeconfig.ts";

/**
 * The command with which an operator opens the tunnel to a host. `npm run tunnel` is not for them: it reads the
 * administrator's kubeconfig. The local port is the one in the deployer's kubeconfig, because the operator's has it too.
 */
export function operatorTunnel(host: HostReference, { clusters: [cluster] }: View): string {
  const port = Number(new URL(cluster?.cluster.server ?? "").port);
  return ["gcloud", ...tunnelArguments(host, API_PORT, port)].join(" ");
}
