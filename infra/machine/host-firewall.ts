import { API_PORT, METADATA_ADDRESS, POD_RANGE, SERVICE_RANGE } from "./k3s-config.ts";
import { renderNodeFirewall } from "./node-firewall.ts";

/** The node firewall of the host's machine, with k3s's address ranges and GCE's resolver. */
export function hostFirewall(): string {
  return renderNodeFirewall({
    podCidrs: [POD_RANGE],
    serviceCidrs: [SERVICE_RANGE],
    resolvers: [METADATA_ADDRESS],
    apiPort: API_PORT,
  });
}
