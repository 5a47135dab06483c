import { AGENTS, type Alert, CALLERS, INSPECTED, jobs, NEXT_HOPS, ofEnvoy } from "./alert.ts";

/** The numbers that the alerts compare with. */
export interface GatewayLimits {
  /** Most connections from agents that Envoy accepts at a time. */
  readonly connections: number;
  /** Most requests to a next hop at a time. */
  readonly requests: number;
}

/** From this share of a limit an alert fires. */
const NEAR = 0.8;

/** Alerts on Envoy, by which agents call the model. */
export function gatewayAlerts(limits: GatewayLimits): readonly Alert[] {
  return [
    {
      name: "ClaudeGatewayDown",
      expr: `absent(up${ofEnvoy()} == 1)`,
      for: "2m",
      severity: "critical",
      summary: "No gateway answers Prometheus.",
      description: `No target of the job ${jobs.envoy} can be scraped, so probably no agent can call the model. If agents work, look at telemetry.scrape: the policy may not let Prometheus in.`,
    },
    {
      name: "ClaudeGatewayUpstreamUnreachable",
      expr: `sum by (namespace, envoy_cluster_name) (rate(envoy_cluster_upstream_cx_connect_fail${ofEnvoy(NEXT_HOPS)}[5m])) / sum by (namespace, envoy_cluster_name) (rate(envoy_cluster_upstream_cx_total${ofEnvoy(NEXT_HOPS)}[5m])) > 0.5`,
      for: "2m",
      severity: "critical",
      summary: "Envoy cannot connect to {{ $labels.envoy_cluster_name }}.",
      description:
        "{{ $value | humanizePercentage }} of the connections failed. Agents get 502 and Claude Code retries for some 170 s. Look at the address, the certificate, and the node's way out.",
    },
    {
      name: "ClaudeGatewayUpstreamErrors",
      expr: `sum by (namespace, envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx${ofEnvoy(NEXT_HOPS, 'envoy_response_code_class="5"')}[5m])) / sum by (namespace, envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx${ofEnvoy(NEXT_HOPS)}[5m])) > 0.1`,
      for: "5m",
      severity: "warning",
      summary: "Many requests to {{ $labels.envoy_cluster_name }} end with status 5xx.",
      description:
        "{{ $value | humanizePercentage }} of the requests failed. If it is anthropic, look at status.claude.com first; if it is vertex or bedrock, at the provider's status page; if it is litellm, look at its pod's log.",
    },
    {
      name: "ClaudeGatewayServerErrors",
      expr: `sum by (namespace) (rate(envoy_http_downstream_rq_xx${ofEnvoy(AGENTS, 'envoy_response_code_class="5"')}[5m])) / sum by (namespace) (rate(envoy_http_downstream_rq_xx${ofEnvoy(AGENTS)}[5m])) > 0.05`,
      for: "5m",
      severity: "warning",
      summary: "Agents get many answers with status 5xx.",
      description:
        "{{ $value | humanizePercentage }} of the agents' requests got a 5xx, from the API or from the gateway itself. In the log of Envoy's pod, `details` says which.",
    },
    {
      name: "ClaudeGatewayNoCredential",
      expr: `sum by (namespace) (increase(envoy_http_credential_injector_failed${ofEnvoy(CALLERS)}[5m])) > 0`,
      for: "1m",
      severity: "critical",
      summary: "The gateway has no credential for the API.",
      description:
        "Agents get 503, which Claude Code retries for some 170 s. The pod makes its token itself and says why it cannot, and which setting to look at: kubectl logs -n {{ $labels.namespace }} -l claude-gateway/role=gateway -c mint.",
    },
    {
      name: "ClaudeGatewayNoHostCredential",
      expr: `sum by (namespace) (increase(envoy_http_credential_injector_failed${ofEnvoy(INSPECTED)}[5m])) > 0`,
      for: "1m",
      severity: "critical",
      summary: "The gateway has no credential for an inspected host, such as GitHub.",
      description:
        "Agents get 503 for what they ask that host; the API is not affected. The pod makes its token itself and says why it cannot: kubectl logs -n {{ $labels.namespace }} -l claude-gateway/role=gateway -c mint.",
    },
    {
      name: "ClaudeGatewayOverloaded",
      expr: `envoy_overload_envoy_overload_actions_stop_accepting_requests_active${ofEnvoy()} == 1`,
      for: "1m",
      severity: "critical",
      summary: "Envoy refuses every request because its memory is nearly used up.",
      description:
        "Envoy answers 503 to spare its pod from being killed. Look at the number of open requests and at clients that do not read their answers.",
    },
    {
      name: "ClaudeGatewayMemoryHigh",
      expr: `envoy_overload_envoy_resource_monitors_fixed_heap_pressure${ofEnvoy()} >= 85`,
      for: "10m",
      severity: "warning",
      summary: "Envoy uses {{ $value }} % of its heap.",
      description: "At 95 % it refuses every request with 503.",
    },
    {
      name: "ClaudeGatewayConnectionsHigh",
      expr: `envoy_http_downstream_cx_active${ofEnvoy(AGENTS)} > ${NEAR * limits.connections}`,
      for: "5m",
      severity: "warning",
      summary: "Agents have {{ $value }} connections open.",
      description: `Envoy closes connections above ${limits.connections} at once.`,
    },
    {
      name: "ClaudeGatewayRequestsHigh",
      expr: `envoy_cluster_upstream_rq_active${ofEnvoy(NEXT_HOPS)} > ${NEAR * limits.requests}`,
      for: "5m",
      severity: "warning",
      summary: "{{ $value }} requests are open at {{ $labels.envoy_cluster_name }}.",
      description: `Envoy answers 503 to requests above ${limits.requests}.`,
    },
    {
      name: "ClaudeGatewayRequestsRefused",
      expr: `sum by (namespace) (increase(envoy_cluster_upstream_rq_pending_overflow${ofEnvoy(NEXT_HOPS)}[5m]) + increase(envoy_cluster_upstream_rq_active_overflow${ofEnvoy(NEXT_HOPS)}[5m])) > 0`,
      for: "1m",
      severity: "warning",
      summary: "Envoy refused requests because too many were open.",
      description: `More than ${limits.requests} requests were open at one next hop, so further ones got 503. Claude Code retries them.`,
    },
    {
      name: "ClaudeGatewayConfigurationRejected",
      expr: `sum by (namespace) (increase(envoy_listener_manager_lds_update_rejected${ofEnvoy()}[10m]) + increase(envoy_cluster_manager_cds_update_rejected${ofEnvoy()}[10m])) > 0 or sum by (namespace) (increase(envoy_http_rds_update_rejected${ofEnvoy(AGENTS)}[10m])) > 0`,
      for: "1m",
      severity: "critical",
      summary: "Envoy rejected a changed configuration and keeps the old one.",
      description:
        "A changed path, price, token or limit is not in force. The log of Envoy's pod has the reason.",
    },
    {
      name: "ClaudeGatewayScriptErrors",
      expr: `sum by (namespace) (increase(envoy_http_lua_errors${ofEnvoy(AGENTS)}[10m])) > 0`,
      for: "1m",
      severity: "warning",
      summary: "A script in Envoy failed, which finds the agent or restores an error.",
      description:
        "If it finds the agent, the request is refused with 401. If it restores an error, the agent gets LiteLLM's form of it. The log of Envoy's pod has the script's error.",
    },
    {
      name: "ClaudeGatewayDrainStuck",
      expr: `envoy_server_state${ofEnvoy()} == 1`,
      for: "30m",
      severity: "warning",
      summary: "An old gateway pod has been draining for half an hour.",
      description:
        "The pod waits for open streams, at most gateway.drainSeconds (15 minutes by default). Look at the log of its container drain. Raise `for` if you have set a longer time.",
    },
  ];
}
