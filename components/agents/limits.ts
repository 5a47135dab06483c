/** Limits of one agent's namespace, so that no agent uses up what the others and the gateway need. */
export const agentQuota = {
  hard: {
    pods: "20",
    "requests.cpu": "4",
    "requests.memory": "8Gi",
    "limits.memory": "16Gi",
    "requests.storage": "20Gi",
    // No agent needs to be reached from outside.
    "services.loadbalancers": "0",
    "services.nodeports": "0",
  },
};

/** Defaults for a container without requests or limits. */
export const agentContainerDefaults = {
  limits: [
    {
      type: "Container",
      default: { memory: "1Gi" },
      defaultRequest: { cpu: "100m", memory: "256Mi" },
    },
  ],
};
