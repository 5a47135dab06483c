/** TCP ports of the gateway's pods. Services, policies, probes and renderers use these. */
export const ports = {
  /** Agents: the Anthropic API under `/anthropic`. */
  agents: 8080,
  /** Kubelet and Prometheus: `/ready` and `/stats/prometheus`, nothing else. */
  health: 8081,
  /** Envoy's listener for LiteLLM's requests to the upstream (paths `shim` and `hybrid`). */
  egress: 8082,
  /** TLS that Envoy passes on (path `envoy` in mode sni, and path `hybrid`). The Service maps 443 to it. */
  sni: 8443,
  /** Envoy's admin interface, on loopback alone. */
  admin: 9901,
  /** LiteLLM. */
  litellm: 4000,
  /** Agents: Claude Code's own telemetry, where `telemetry.otlp` is set. The usual port of OTLP over HTTP. */
  otlp: 4318,
  /** The rate-limit service, for Envoy. */
  ratelimit: 8081,
  /** The rate-limit service's health, for the kubelet. */
  ratelimitHealth: 8080,
  /** The rate-limit service's metrics for Prometheus, under `/metrics`. */
  ratelimitMetrics: 9102,
  /** Valkey, for the rate-limit service. */
  valkey: 6379,
  /** The Service's port for {@link ports.sni}, and the port of every upstream. */
  https: 443,
} as const;

/** UDP and TCP port of the agents' DNS in its pod. The Service maps 53 to it; a port below 1024 would need a capability. */
export const DNS_PORT = 5353;

/** TCP ports of the probe, in its pod and its Service. The probe listens on both; agents may reach `open` but not `shut`. */
export const probePorts = { open: 7080, shut: 7081 } as const;
