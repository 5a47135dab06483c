/** TCP ports of the gateway's pods: Services, policies, probes and renderers all take them from here. */
export const ports = {
  /** Agents: the Anthropic API under `/anthropic`. */
  agents: 8080,
  /** Kubelet and Prometheus: `/ready` and `/stats/prometheus`, nothing else. */
  health: 8081,
  /** LiteLLM's way to the upstream (paths `shim` and `hybrid`). */
  egress: 8082,
  /** TLS passed on by server name (paths `envoy` in mode sni, and `hybrid`); the Service maps 443 to it. */
  sni: 8443,
  /** Envoy's admin interface, on loopback alone. */
  admin: 9901,
  /** LiteLLM. */
  litellm: 4000,
  /** What the Service publishes for {@link ports.sni}, and every upstream. */
  https: 443,
} as const;
