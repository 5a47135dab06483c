import { AGENTS, type Alert, eventsOf, jobs, NEXT_HOPS, ofEnvoy, ofRatelimit } from "./alert.ts";

/** Alerts on what counts and caps the agents' spending. */
export const spendingAlerts: readonly Alert[] = [
  {
    name: "ClaudeGatewayMeterErrors",
    expr: `sum by (namespace) (increase(envoy_http_lua_meter_errors${ofEnvoy(AGENTS)}[10m])) > 0`,
    for: "1m",
    severity: "critical",
    summary: "The meter failed on answers, so they are not fully counted.",
    description:
      "Such an answer costs money that no budget and no record counts to its end. The log of Envoy's pod has the script's error. Answers that could not be read have no statistic in Envoy: look for `unmetered` in the record and the log.",
  },
  {
    name: "ClaudeGatewayBudgetNotChecked",
    expr: `sum by (namespace) ${eventsOf(`envoy_cluster_ratelimit_error${ofEnvoy(NEXT_HOPS)}`, "5m")} > 0`,
    for: "1m",
    severity: "critical",
    summary: "Envoy cannot ask the rate-limit service.",
    description:
      "Requests are refused with 503, or let through uncounted where budget.onFailure is allow. Look at the pods ratelimit and valkey.",
  },
  {
    name: "ClaudeGatewayBudgetBypassed",
    expr: `sum by (namespace) ${eventsOf(`envoy_cluster_ratelimit_failure_mode_allowed${ofEnvoy(NEXT_HOPS)}`, "5m")} > 0`,
    for: "1m",
    severity: "critical",
    summary: "Requests went to the model although their budget could not be checked.",
    description:
      "budget.onFailure is allow. What these requests cost is in the record, but no budget counts it.",
  },
  {
    name: "ClaudeGatewayRateLimitDown",
    expr: `up${ofRatelimit()} == 0`,
    for: "2m",
    severity: "critical",
    summary: "The rate-limit service does not answer Prometheus.",
    description: `The target of the job ${jobs.ratelimit} cannot be scraped. Without the service no budget can be checked.`,
  },
  {
    name: "ClaudeGatewayRateLimitStoreFailing",
    // While the store is away, requests wait for a connection and no error is counted.
    expr: `sum by (namespace) ${eventsOf(`ratelimit_service_should_rate_limit_error${ofRatelimit('err_type="redis_error"')}`, "5m")} > 0 or min by (namespace) (ratelimit_redis_pool_cx_active${ofRatelimit()}) == 0`,
    for: "1m",
    severity: "critical",
    summary: "The rate-limit service cannot read or write its counters.",
    description: "Look at the pod valkey and its volume.",
  },
  {
    name: "ClaudeGatewayLimitsRejected",
    expr: `sum by (namespace) ${eventsOf(`ratelimit_service_config_load_error${ofRatelimit()}`, "10m")} > 0`,
    for: "1m",
    severity: "critical",
    summary: "The rate-limit service rejected changed budgets and keeps the old ones.",
    description: "The log of the pod ratelimit has the reason.",
  },
  {
    name: "ClaudeGatewayBudgetNearlySpent",
    expr: `sum by (namespace, key1, key2) ${eventsOf(`ratelimit_service_rate_limit_near_limit${ofRatelimit('domain="agents"')}`, "10m")} > 0`,
    for: "0m",
    severity: "info",
    summary: "{{ $labels.key2 }} has spent 80 % of a budget ({{ $labels.key1 }}).",
    description: "`npm run usage` shows what is left. A spent budget is refused with 429.",
  },
  {
    name: "ClaudeGatewayBudgetSpent",
    expr: `sum by (namespace, key1, key2) ${eventsOf(`ratelimit_service_rate_limit_over_limit${ofRatelimit('domain="agents"')}`, "10m")} > 0`,
    for: "0m",
    severity: "warning",
    summary: "{{ $labels.key2 }} has spent a budget ({{ $labels.key1 }}) and is refused.",
    description:
      "The agent gets 429 until the window ends, at midnight UTC or after 30 days. `npm run usage` shows it; raise the budget to let it on.",
  },
  {
    name: "ClaudeGatewayRecordsLost",
    expr: `sum by (namespace) (increase(envoy_access_logs_open_telemetry_access_log_logs_dropped${ofEnvoy()}[10m])) > 0`,
    for: "5m",
    severity: "info",
    summary: "The OTLP receiver does not take all records of requests.",
    description:
      "Lost records are not sent again. Agents' requests and `npm run usage` are not affected.",
  },
];
