import { CHARGE_UNIT_USD } from "../metering.ts";
import { AGENTS, NEXT_HOPS, ofEnvoy, ofRatelimit } from "./alert.ts";

/** A graph of the dashboard. */
export interface Panel {
  readonly title: string;
  /** Says what to look for. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: "reqps" | "short" | "percent" | "percentunit" | "ms" | "bytes" | "cps";
  /** PromQL, and the name of its series in the legend. */
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
}

const PER = "[$__rate_interval]";

/** The share of requests that took at most so long. */
function quantile(share: number): { expr: string; legend: string } {
  const buckets = `envoy_http_downstream_rq_time_bucket${ofEnvoy(AGENTS)}`;
  return {
    expr: `histogram_quantile(${share}, sum by (le) (rate(${buckets}${PER})))`,
    legend: `${share * 100} %`,
  };
}

/** The graphs in reading order, two in a row. */
export const panels: readonly Panel[] = [
  {
    title: "Agents' requests by status",
    description:
      "4xx: refused by the gateway or the API, also for a spent budget. 5xx: something is broken.",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (envoy_response_code_class) (rate(envoy_http_downstream_rq_xx${ofEnvoy(AGENTS)}${PER}))`,
        legend: "{{envoy_response_code_class}}xx",
      },
    ],
  },
  {
    title: "Answers of the next hop by status",
    description:
      "anthropic, vertex or bedrock is the provider's API; litellm is LiteLLM, where it is in the path.",
    unit: "reqps",
    queries: [
      {
        expr: `sum by (envoy_cluster_name, envoy_response_code_class) (rate(envoy_cluster_upstream_rq_xx${ofEnvoy(NEXT_HOPS)}${PER}))`,
        legend: "{{envoy_cluster_name}} {{envoy_response_code_class}}xx",
      },
    ],
  },
  {
    title: "Duration of agents' requests",
    description: "To the end of the answer, which for a stream is as long as the model writes.",
    unit: "ms",
    queries: [quantile(0.5), quantile(0.95), quantile(0.99)],
  },
  {
    title: "Open requests and connections",
    description: "The limits are 3,072 requests at a next hop and 4,096 connections.",
    unit: "short",
    queries: [
      {
        expr: `sum(envoy_http_downstream_rq_active${ofEnvoy(AGENTS)})`,
        legend: "requests of agents",
      },
      {
        expr: `sum(envoy_http_downstream_cx_active${ofEnvoy(AGENTS)})`,
        legend: "connections of agents",
      },
      {
        expr: `sum by (envoy_cluster_name) (envoy_cluster_upstream_rq_active${ofEnvoy(NEXT_HOPS)})`,
        legend: "requests at {{envoy_cluster_name}}",
      },
    ],
  },
  {
    title: "Envoy's heap",
    description: "At 95 % of its heap Envoy refuses every request.",
    unit: "percent",
    queries: [
      {
        expr: `envoy_overload_envoy_resource_monitors_fixed_heap_pressure${ofEnvoy()}`,
        legend: "{{instance}}",
      },
    ],
  },
  {
    title: "Failed connections to the next hop",
    description: "Agents get 502 for them.",
    unit: "cps",
    queries: [
      {
        expr: `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_cx_connect_fail${ofEnvoy(NEXT_HOPS)}${PER}))`,
        legend: "{{envoy_cluster_name}}",
      },
    ],
  },
  {
    title: "Spending charged to budgets, in US dollars a second",
    description: "By budget and window. Without budgets it is empty: `npm run usage` has it then.",
    unit: "short",
    queries: [
      {
        expr: `sum by (key1, key2) (rate(ratelimit_service_rate_limit_total_hits${ofRatelimit('domain="agents"')}${PER})) * ${CHARGE_UNIT_USD}`,
        legend: "{{key1}} {{key2}}",
      },
    ],
  },
  {
    title: "Failures of metering and budgets",
    description: "Anything above zero is money that is not counted, or requests refused for it.",
    unit: "cps",
    queries: [
      {
        expr: `sum(rate(envoy_http_lua_meter_errors${ofEnvoy(AGENTS)}${PER}))`,
        legend: "meter errors",
      },
      {
        expr: `sum(rate(envoy_cluster_ratelimit_error${ofEnvoy(NEXT_HOPS)}${PER}))`,
        legend: "budget not checked",
      },
      {
        expr: `sum(rate(ratelimit_service_should_rate_limit_error${ofRatelimit()}${PER}))`,
        legend: "rate-limit service",
      },
    ],
  },
];

const SOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** Grafana counts the width of a page in 24 columns. */
const WIDTH = 12;
const HEIGHT = 8;

/** The dashboard for Grafana's import. It asks for the Prometheus to use. */
export function dashboard(): object {
  return {
    title: "Claude gateway",
    uid: "claude-gateway",
    description:
      "What the agents ask, what the API answers, and whether their spending is counted.",
    tags: ["claude-gateway"],
    schemaVersion: 39,
    editable: true,
    timezone: "utc",
    time: { from: "now-6h", to: "now" },
    refresh: "30s",
    templating: {
      list: [{ name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" }],
    },
    panels: panels.map((panel, index) => ({
      id: index + 1,
      type: "timeseries",
      title: panel.title,
      description: panel.description,
      datasource: SOURCE,
      gridPos: {
        x: (index % 2) * WIDTH,
        y: Math.floor(index / 2) * HEIGHT,
        w: WIDTH,
        h: HEIGHT,
      },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
      targets: panel.queries.map(({ expr, legend }, query) => ({
        refId: String.fromCharCode("A".charCodeAt(0) + query),
        datasource: SOURCE,
        expr,
        legendFormat: legend,
      })),
    })),
  };
}
