import { DNS_PORT, ports, probePorts } from "./ports.ts";

/**
 * TCP connections that one pod address may have at a time to these ports of any other pod, all of them together. The
 * node's firewall counts them, because Envoy cannot tell whose a connection is before its first request. A full quota of
 * pods stays below what Envoy accepts, connections and requests alike; Claude Code needs a few.
 */
export const agentConnections = {
  perAddress: 120,
  ports: [ports.agents, ports.sni, DNS_PORT, probePorts.open],
};
