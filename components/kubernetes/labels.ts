/** Label and annotation keys that policies, selectors and the reaper rely on. */
export const labelKeys = {
  /** The stack that a namespace belongs to. */
  stack: "claude-gateway/stack",
  /** `gateway` or `spike`: the kind of that stack. */
  kind: "claude-gateway/kind",
  /** What a namespace or pod is for: see {@link Role}. */
  role: "claude-gateway/role",
  /** The variant that a gateway pod belongs to. */
  path: "claude-gateway/path",
  /** Which content a pod was made of: see `singlePod`. */
  revision: "claude-gateway/revision",
  /** Annotation: time to live of a spike's namespace in seconds, from its creation. */
  ttlSeconds: "claude-gateway/ttl-seconds",
} as const;

/**
 * `gateway`: takes agents' requests. `litellm`: stands behind Envoy. `agent`: what the gateway is for. `dns`: answers
 * agents' look-ups. `probe`: what a start gate dials.
 */
export type Role = "gateway" | "litellm" | "agent" | "dns" | "probe";

/** Labels of the pods that have a role on a path. */
export function pathLabels(role: Role, path: string): Record<string, string> {
  return { [labelKeys.role]: role, [labelKeys.path]: path };
}
