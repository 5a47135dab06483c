/** Label and annotation keys that policies, selectors and the reaper rely on. */
export const labelKeys = {
  /** The stack that a namespace belongs to. */
  stack: "claude-gateway/stack",
  /** Kind of that stack: `gateway` or `spike`. */
  kind: "claude-gateway/kind",
  /** Purpose of a namespace or pod, see {@link Role}. */
  role: "claude-gateway/role",
  /** The variant that a gateway pod belongs to. */
  path: "claude-gateway/path",
  /** Hash of a pod's template, see `singlePod`. */
  revision: "claude-gateway/revision",
  /** Annotation: time to live of a spike's namespace, in seconds from its creation. */
  ttlSeconds: "claude-gateway/ttl-seconds",
} as const;

/**
 * `gateway`: takes agents' requests. `litellm`: LiteLLM behind Envoy. `agent`: an agent. `dns`: answers agents' look-ups.
 * `probe`: what a start gate connects to. `ratelimit`: counts what agents spend, in `valkey`. `usage`: adds it up.
 */
export type Role =
  "gateway" | "litellm" | "agent" | "dns" | "probe" | "ratelimit" | "valkey" | "usage";

/** Labels of the pods that have a role on a path. */
export function pathLabels(role: Role, path: string): Record<string, string> {
  return { [labelKeys.role]: role, [labelKeys.path]: path };
}
