import { API_PORT, METADATA_ADDRESS, POD_RANGE, SERVICE_RANGE } from "./k3s-config.ts";
import { renderNodeFirewall } from "./node-firewall.ts";

/** The node firewall of a host's machine: k3s's ranges, GCE's resolver. */
export function hostFirewall(): string {
  return renderNodeFirewall({
    podCidrs: [POD_RANGE],
    serviceCidrs: [SERVICE_RANGE],
    resolvers: [METADATA_ADDRESS],
    apiPort: API_PORT,
  });
}
