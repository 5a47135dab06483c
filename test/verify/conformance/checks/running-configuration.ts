import { parse } from "yaml";
import { ports } from "../../../../components/kubernetes/ports.ts";
import { liteLlmPaths } from "../../../../components/gateway/litellm/config.ts";

/** A time after which a process ends something that is open. */
export interface Limit {
  readonly process: "envoy" | "litellm";
  /** Listener, route or cluster that it belongs to. */
  readonly where: string;
  /** `idle` runs while nothing is said, `total` from the beginning. */
  readonly kind: "idle" | "total";
  /** 0 stands for none. */
  readonly seconds: number;
}

/** When a process asks again by itself. */
export interface Retries {
  readonly process: "envoy" | "litellm";
  readonly where: string;
  /** Conditions, as Envoy names them. */
  readonly on: string;
  readonly attempts: number;
}

/** What a gateway's processes run with, as they say themselves. */
export interface RunningConfiguration {
  readonly limits: readonly Limit[];
  readonly retries: readonly Retries[];
}

/**
 * Runs in the drain helper's container, next to Envoy's admin port, and prints a RunningConfiguration: nothing else
 * leaves the pod, because a dump holds the agents' tokens. Envoy's defaults stand where nothing is configured.
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
  // What serves probes carries nothing of agents'.
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

/** Where LiteLLM's container has the file that it was started with. */
export const LITELLM_CONFIG_FILE = `${liteLlmPaths.config}/config.yaml`;

/** Reads LiteLLM's configuration file as far as limits and retries go, with LiteLLM's defaults. */
export function liteLlmConfiguration(yaml: string): RunningConfiguration {
  const config = parse(yaml) as {
    readonly litellm_settings?: { readonly num_retries?: number };
    readonly general_settings?: { readonly pass_through_request_timeout?: number };
  };
  return {
    limits: [
      {
        process: "litellm",
        where: "pass_through_request_timeout",
        kind: "idle",
        seconds: config.general_settings?.pass_through_request_timeout ?? 600,
      },
    ],
    retries: [
      {
        process: "litellm",
        where: "num_retries",
        on: "any",
        attempts: config.litellm_settings?.num_retries ?? 0,
      },
    ],
  };
}
