/**
 * Priority of every pod of a gateway; an agent's pod has 0. If the node runs short of memory, disk or CPU, agents' pods
 * give way. Kubernetes' own components have {@link SYSTEM_PRIORITY} or more.
 */
export const GATEWAY_PRIORITY = 1_000_000;

/** Priority of Kubernetes' class `system-cluster-critical`. */
export const SYSTEM_PRIORITY = 2_000_000_000;
