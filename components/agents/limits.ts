import { DNS_PORT } from "../egress/dns/corefile.ts";
import { probePorts } from "../egress/gate/gate.ts";
import { ports } from "../gateway/envoy/ports.ts";

/** What one agent's namespace may take of the machine, so that no agent starves the others or the gateway. */
export const agentQuota = {
  hard: {
    pods: "20",
    "requests.cpu": "4",
    "requests.memory": "8Gi",
    "limits.memory": "16Gi",
    "requests.storage": "20Gi",
    // Ways in from outside, which no agent needs.
    "services.loadbalancers": "0",
    "services.nodeports": "0",
  },
};

/**
 * TCP connections that one pod address may have at a time, all of these ports together: those of other pods that only
 * agents call, so that nobody else is bounded. The node's firewall holds it, because whoever listens cannot tell whose a
 * connection is on which nothing was said. A full quota of pods stays below what Envoy accepts, connections and requests alike; Claude
 * Code needs a few.
 */
export const agentConnections = {
  perAddress: 120,
  ports: [ports.agents, ports.sni, DNS_PORT, probePorts.open],
};

/** What a container gets that asks for nothing. */
export const agentContainerDefaults = {
  limits: [
    {
      type: "Container",
      default: { memory: "1Gi" },
      defaultRequest: { cpu: "100m", memory: "256Mi" },
    },
  ],
};
