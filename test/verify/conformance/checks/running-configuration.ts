import { ports } from "../../../../components/kubernetes/ports.ts";

/** A time limit after which a process ends something open. */
export interface Limit {
  readonly process: "envoy" | "litellm";
  /** The listener, route or cluster that has the limit. */
  readonly where: string;
  /** `idle` counts while nothing is sent, `total` counts from the beginning. */
  readonly kind: "idle" | "total";
  /** 0 means no limit. */
  readonly seconds: number;
}

/** When a process retries by itself. */
export interface Retries {
  readonly process: "envoy" | "litellm";
  readonly where: string;
  /** Retry conditions, as Envoy calls them. */
  readonly on: string;
  readonly attempts: number;
}

/** The limits and retries of a gateway's processes, from their running configuration. */
export interface RunningConfiguration {
  readonly limits: readonly Limit[];
  readonly retries: readonly Retries[];
}

/**
 * Runs in the drain helper's container, next to Envoy's admin port, and prints a RunningConfiguration. Only that leaves the
 * pod, because a config dump contains the agents' tokens. If a value is not configured, Envoy's default is used.
 */
export const ENVOY_CONFIGURATION_SOURCE = `
const dump = await (await fetch("http://127.0.0.1:${ports.admin}/config_dump")).json();
const seconds = (text, fallback) => (text === undefined ? fallback : Number(text.replace(/s$/, "")));
const limits = [], retries = [];
const limit = (where, kind, value, fallback) =>
  limits.push({ process: "envoy", where, kind, seconds: seconds(value, fallback) });
const visit = (value, where) => {
  if (Array.isArray(value)) return value.forEach((item, index) => visit(item, where + "[" + index + "]"));
  if (typeof value !== "object" || value === null) return;
  const type = String(value["@type"] ?? "");
  const prefix = value.stat_prefix;
  // Skip what serves probes; it carries no agent traffic.
  if (prefix === "health" || value.route?.cluster === "admin") return;
  if (type.endsWith(".HttpConnectionManager")) {
    where = "listener " + prefix;
    limit(where + ": stream_idle_timeout", "idle", value.stream_idle_timeout, 300);
    limit(where + ": request_timeout", "total", value.request_timeout, 0);
    limit(where + ": max_stream_duration", "total", value.common_http_protocol_options?.max_stream_duration, 0);
    limit(where + ": max_connection_duration", "total", value.common_http_protocol_options?.max_connection_duration, 0);
  }
  if (type.endsWith(".TcpProxy")) {
    where = "tunnel to " + value.cluster;
    limit(where + ": idle_timeout", "idle", value.idle_timeout, 3600);
    limit(where + ": max_downstream_connection_duration", "total", value.max_downstream_connection_duration, 0);
  }
  const { route } = value;
  if (value.match !== undefined && route?.cluster !== undefined) {
    const here = "route " + (value.match.path ?? value.match.prefix) + " to " + route.cluster;
    if (route.idle_timeout !== undefined) limit(here + ": idle_timeout", "idle", route.idle_timeout);
    limit(here + ": timeout", "total", route.timeout, 15);
    limit(here + ": max_stream_duration", "total", route.max_stream_duration?.max_stream_duration, 0);
    if (route.retry_policy !== undefined) {
      retries.push({ process: "envoy", where: here, on: route.retry_policy.retry_on ?? "", attempts: route.retry_policy.num_retries ?? 1 });
    }
  }
  for (const [key, item] of Object.entries(value)) visit(item, where);
};
visit(dump, "");
const unique = (list) => [...new Map(list.map((item) => [JSON.stringify(item), item])).values()];
console.log(JSON.stringify({ limits: unique(limits), retries: unique(retries) }));
`;

/** Python that runs in LiteLLM's container and prints the settings of the running process (`gateway_app.py`). */
export const LITELLM_CONFIGURATION_SOURCE = `
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:${ports.litellm}/gateway/configuration", timeout=10).read().decode())
`;

/** The limits and retries of a running LiteLLM, as it answered. `null` means that LiteLLM's default applies. */
export function liteLlmConfiguration(json: string): RunningConfiguration {
  const running = JSON.parse(json) as {
    readonly pass_through_request_timeout: number | null;
    readonly num_retries: number | null;
  };
  return {
    limits: [
      {
        process: "litellm",
        where: "pass_through_request_timeout",
        kind: "idle",
        seconds: running.pass_through_request_timeout ?? 600,
      },
    ],
    retries: [
      {
        process: "litellm",
        where: "num_retries",
        on: "any",
        attempts: running.num_retries ?? 0,
      },
    ],
  };
}
