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
 * TCP connections that one pod address may have at a time to these ports of any other pod, all of them together. The
 * node's firewall counts them, because Envoy cannot tell whose a connection is before its first request. A full quota of
 * pods stays below what Envoy accepts, connections and requests alike; Claude Code needs a few.
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
