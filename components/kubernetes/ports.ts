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

/** UDP and TCP port of the agents' DNS in its pod; a port below 1024 would need a capability. Its Service maps 53 to it. */
export const DNS_PORT = 5353;

/** TCP ports of the probe, in its pod and its Service: agents may reach `open` and not `shut`, and both listen. */
export const probePorts = { open: 7080, shut: 7081 } as const;
