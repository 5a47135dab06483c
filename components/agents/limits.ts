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
