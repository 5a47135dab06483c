/** Series of Prometheus, in promtool's notation: name with labels → values a minute apart. */
type Series = Readonly<Record<string, string>>;

/** What an alert fires on, and what looks like it but must not make it fire. */
export interface AlertCase {
  readonly fires: Series;
  readonly quiet: Series;
  /** For a counter that has no series before its first event: this event alone, on which the alert must fire too. */
  readonly first?: Series;
}

const E = 'job="claude-gateway",namespace="llm",instance="e"';
const R = 'job="claude-gateway-ratelimit",namespace="llm",instance="r"';
const AGENTS = `${E},envoy_http_conn_manager_prefix="agents"`;
const EGRESS = `${E},envoy_http_conn_manager_prefix="egress"`;
const INSPECT = `${E},envoy_http_conn_manager_prefix="inspect"`;
const HEALTH = `${E},envoy_http_conn_manager_prefix="health"`;
const API = `${E},envoy_cluster_name="anthropic"`;
const OTHER = `${E},envoy_cluster_name="admin"`;

const answers = (good: string, bad: string) => ({
  [`envoy_cluster_upstream_rq_xx{${API},envoy_response_code_class="2"}`]: good,
  [`envoy_cluster_upstream_rq_xx{${API},envoy_response_code_class="5"}`]: bad,
});
const toAgents = (good: string, bad: string, labels = AGENTS) => ({
  [`envoy_http_downstream_rq_xx{${labels},envoy_response_code_class="2"}`]: good,
  [`envoy_http_downstream_rq_xx{${labels},envoy_response_code_class="5"}`]: bad,
});
const connections = (all: string, failed: string, labels = API) => ({
  [`envoy_cluster_upstream_cx_total{${labels}}`]: all,
  [`envoy_cluster_upstream_cx_connect_fail{${labels}}`]: failed,
});
const one = (name: string, labels: string, values: string) => ({ [`${name}{${labels}}`]: values });

/** A counter that never counts, one that counts, a gauge that stays. Each lasts an hour. */
const NONE = "0+0x60";
const SOME = "0+1x60";
const stays = (value: number) => `${value}+0x60`;

const counter = (name: string, labels: string, elsewhere: Series = {}): AlertCase => ({
  fires: one(name, labels, SOME),
  quiet: { ...one(name, labels, NONE), ...elsewhere },
});
/** A counter that is exposed from its first event on. Here it comes at 42 min. */
const lateCounter = (name: string, labels: string, elsewhere: Series = {}): AlertCase => ({
  ...counter(name, labels, elsewhere),
  quiet: { ...one(name, labels, stays(7)), ...elsewhere },
  first: one(name, labels, "_x42 1+0x20"),
});
const gauge = (name: string, labels: string, high: number, low: number): AlertCase => ({
  fires: one(name, labels, stays(high)),
  quiet: one(name, labels, stays(low)),
});

const LIMIT = `${R},domain="agents",key1="window_day",key2="agent_dev-e"`;
const OTHER_DOMAIN = `${R},domain="web",key1="a",key2="b"`;

/** A case for each alert, by its name. */
export const alertCases: Readonly<Record<string, AlertCase>> = {
  ClaudeGatewayDown: {
    fires: one("up", E, stays(0)),
    // During a change two pods are there, and the old one ends.
    quiet: { ...one("up", E, stays(0)), ...one("up", E.replace('"e"', '"f"'), stays(1)) },
  },
  ClaudeGatewayUpstreamUnreachable: {
    fires: connections("0+10x60", "0+10x60"),
    quiet: { ...connections("0+10x60", "0+1x60"), ...connections("0+10x60", "0+10x60", OTHER) },
  },
  ClaudeGatewayUpstreamErrors: {
    fires: answers("0+80x60", "0+20x60"),
    quiet: answers("0+95x60", "0+5x60"),
  },
  ClaudeGatewayServerErrors: {
    fires: toAgents("0+90x60", "0+10x60"),
    quiet: { ...toAgents("0+97x60", "0+3x60"), ...toAgents("0+1x60", "0+99x60", HEALTH) },
  },
  ClaudeGatewayNoCredential: counter("envoy_http_credential_injector_failed", EGRESS, {
    ...one("envoy_http_credential_injector_injected", EGRESS, SOME),
    ...one("envoy_http_credential_injector_failed", INSPECT, SOME),
  }),
  ClaudeGatewayNoHostCredential: counter(
    "envoy_http_credential_injector_failed",
    INSPECT,
    one("envoy_http_credential_injector_failed", EGRESS, SOME),
  ),
  ClaudeGatewayOverloaded: gauge(
    "envoy_overload_envoy_overload_actions_stop_accepting_requests_active",
    E,
    1,
    0,
  ),
  ClaudeGatewayMemoryHigh: gauge(
    "envoy_overload_envoy_resource_monitors_fixed_heap_pressure",
    E,
    85,
    84,
  ),
  ClaudeGatewayConnectionsHigh: gauge("envoy_http_downstream_cx_active", AGENTS, 3277, 3276),
  ClaudeGatewayRequestsHigh: gauge("envoy_cluster_upstream_rq_active", API, 2458, 2457),
  ClaudeGatewayRequestsRefused: {
    fires: {
      ...one("envoy_cluster_upstream_rq_pending_overflow", API, NONE),
      ...one("envoy_cluster_upstream_rq_active_overflow", API, SOME),
    },
    quiet: {
      ...one("envoy_cluster_upstream_rq_pending_overflow", API, NONE),
      ...one("envoy_cluster_upstream_rq_active_overflow", API, NONE),
    },
  },
  ClaudeGatewayConfigurationRejected: counter("envoy_http_rds_update_rejected", AGENTS),
  ClaudeGatewayDrainStuck: gauge("envoy_server_state", E, 1, 0),
  ClaudeGatewayMeterErrors: counter(
    "envoy_http_lua_meter_errors",
    AGENTS,
    one("envoy_http_lua_errors", HEALTH, SOME),
  ),
  ClaudeGatewayScriptErrors: counter("envoy_http_lua_errors", AGENTS),
  ClaudeGatewayBudgetNotChecked: lateCounter("envoy_cluster_ratelimit_error", API),
  ClaudeGatewayBudgetBypassed: lateCounter("envoy_cluster_ratelimit_failure_mode_allowed", API),
  ClaudeGatewayRateLimitDown: gauge("up", R, 0, 1),
  ClaudeGatewayRateLimitStoreFailing: {
    fires: one("ratelimit_redis_pool_cx_active", R, stays(0)),
    quiet: {
      ...one("ratelimit_redis_pool_cx_active", R, stays(1)),
      ...one("ratelimit_service_should_rate_limit_error", `${R},err_type="redis_error"`, stays(7)),
      ...one("ratelimit_service_should_rate_limit_error", `${R},err_type="service_error"`, SOME),
    },
    first: one(
      "ratelimit_service_should_rate_limit_error",
      `${R},err_type="redis_error"`,
      "_x42 1+0x20",
    ),
  },
  ClaudeGatewayLimitsRejected: lateCounter("ratelimit_service_config_load_error", R),
  ClaudeGatewayBudgetNearlySpent: lateCounter(
    "ratelimit_service_rate_limit_near_limit",
    LIMIT,
    one("ratelimit_service_rate_limit_near_limit", OTHER_DOMAIN, SOME),
  ),
  ClaudeGatewayBudgetSpent: lateCounter(
    "ratelimit_service_rate_limit_over_limit",
    LIMIT,
    one("ratelimit_service_rate_limit_over_limit", OTHER_DOMAIN, SOME),
  ),
  ClaudeGatewayRecordsLost: counter("envoy_access_logs_open_telemetry_access_log_logs_dropped", E),
};
