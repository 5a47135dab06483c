import type { AgentShare } from "./share.ts";

/** Most pods of an agent at a time. */
export const AGENT_PODS = 20;

/**
 * Limits of one agent's namespace, so that no agent uses up what the others and the gateway need. Without a share, because
 * nothing says how large the machine is, they fit two agents on 4 CPUs and 16 GiB.
 */
export function agentQuota(share: AgentShare | undefined) {
  const requests =
    share === undefined
      ? {
          "requests.cpu": "4",
          "requests.memory": "8Gi",
          "limits.memory": "16Gi",
          "requests.ephemeral-storage": "8Gi",
        }
      : {
          "requests.cpu": `${share.milliCpus}m`,
          "requests.memory": `${share.memoryMib}Mi`,
          "limits.memory": `${share.memoryLimitMib}Mi`,
          "requests.ephemeral-storage": `${share.scratchMib}Mi`,
        };
  return {
    hard: {
      pods: String(AGENT_PODS),
      ...requests,
      "requests.storage": "20Gi",
      // No agent needs to be reached from outside.
      "services.loadbalancers": "0",
      "services.nodeports": "0",
    },
  };
}

/** Defaults for a container without requests or limits. */
export const agentContainerDefaults = {
  limits: [
    {
      type: "Container",
      // Logs, scratch volumes and the container's own layer together. A pod that writes more is evicted.
      default: { memory: "1Gi", "ephemeral-storage": "8Gi" },
      defaultRequest: { cpu: "100m", memory: "256Mi", "ephemeral-storage": "256Mi" },
    },
  ],
};
