/** An alert of Prometheus. https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface Alert {
  readonly name: string;
  /** PromQL. The alert fires for each series that it returns. */
  readonly expr: string;
  /** How long the expression must hold, for example `5m`. */
  readonly for: string;
  /** `critical`: agents cannot work, or spend what nobody counts. `warning`: somebody should look today. `info`: good to know. */
  readonly severity: "critical" | "warning" | "info";
  /** One line. */
  readonly summary: string;
  /** What it means and what to do. `{{ $value }}` is the value of the expression. */
  readonly description: string;
}

/** Jobs of Prometheus that scrape the gateway. The alerts and the dashboard select by them. */
export const jobs = { envoy: "claude-gateway", ratelimit: "claude-gateway-ratelimit" } as const;

/** Selects series of Envoy: `envoy('x="y"')` is `{job="claude-gateway",x="y"}`. */
export function ofEnvoy(...matchers: readonly string[]): string {
  return `{${[`job="${jobs.envoy}"`, ...matchers].join(",")}}`;
}

/** Selects series of the rate-limit service. */
export function ofRatelimit(...matchers: readonly string[]): string {
  return `{${[`job="${jobs.ratelimit}"`, ...matchers].join(",")}}`;
}

/**
 * Counts the events of a counter that is only exposed after its first event, such as those of the rate-limit service and of
 * Envoy's rate-limit filter. `increase` compares with an earlier sample, so it does not count the event with which the
 * counter appears.
 */
export function eventsOf(counter: string, range: string): string {
  return `(increase(${counter}[${range}]) > 0 or ${counter} unless ${counter} offset ${range})`;
}

/** Selects what agents asked: the statistics of the listener for agents. */
export const AGENTS = 'envoy_http_conn_manager_prefix="agents"';

/** Selects what agents asked, and where LiteLLM is in the path, what it asked on its way to the API. */
export const CALLERS = 'envoy_http_conn_manager_prefix=~"agents|egress"';

/** Selects what agents asked of inspected hosts. */
export const INSPECTED = 'envoy_http_conn_manager_prefix="inspect"';

/** Selects the next hops: the API, and LiteLLM where it is in the path. */
export const NEXT_HOPS = 'envoy_cluster_name=~"anthropic|vertex|bedrock|litellm"';
