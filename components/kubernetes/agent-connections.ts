import { DNS_PORT, ports, probePorts } from "./ports.ts";

/**
 * Most TCP connections that one pod address may have at a time to these ports of other pods, in total. The node's
 * firewall counts them, because Envoy does not know the agent of a connection before its first request. As many pods as
 * an agent's quota allows stay below Envoy's limits of connections and of requests. Claude Code needs only a few.
 */
export const agentConnections = {
  perAddress: 120,
  ports: [ports.agents, ports.otlp, ports.sni, DNS_PORT, probePorts.open],
};
