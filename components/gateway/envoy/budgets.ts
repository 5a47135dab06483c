import { readFileSync } from "node:fs";
import { ports } from "../../kubernetes/ports.ts";
import {
  ALL_AGENTS,
  BUDGET_DOMAIN,
  type Budget,
  type BudgetLimits,
  budgetWindows,
  descriptorKeys,
  limitUnits,
  type OnFailure,
  windowsOf,
} from "../../usage/budget/limits.ts";
import { limitHeaders } from "../../usage/budget/ratelimit-environment.ts";
import { METER, meterKeys } from "../../usage/metering.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import { extension, type Message, seconds, typed } from "./proto.ts";
import { BUDGET_CHECK_SECONDS } from "./timeouts.ts";

/** What Envoy needs to know of the budgets. */
export interface BudgetsArgs {
  /** Host name of the rate-limit service, fully qualified. */
  readonly host: string;
  /** The limits, which are in the routes: Envoy applies a change of them without a drain. */
  readonly limits: BudgetLimits;
  /** What happens to a request whose budget cannot be checked. */
  readonly onFailure: OnFailure;
}

/** Name of the rate-limit service's cluster. */
export const RATELIMIT_CLUSTER = "ratelimit";

/** Name of the Lua filter, of its metadata in the virtual host, and of the dynamic metadata that it writes. */
const BUDGET = "budget";

const RATELIMIT_FILTER = "envoy.filters.http.ratelimit";

/** A response header of the local reply for a spent budget. The Lua filter removes it, and completes the message. */
export const SPENT_HEADER = "x-gateway-budget-spent";

/** Filters that refuse a request whose budget is spent. They come after the one that finds the agent, and after the meter. */
export function budgetFilters(budgets: BudgetsArgs | undefined): readonly Message[] {
  if (budgets === undefined) return [];
  return [
    lua(BUDGET, withRoutes(budgetSource())),
    extension(RATELIMIT_FILTER, "envoy.extensions.filters.http.ratelimit.v3.RateLimit", {
      domain: BUDGET_DOMAIN,
      timeout: seconds(BUDGET_CHECK_SECONDS),
      failure_mode_deny: budgets.onFailure === "refuse",
      status_on_error: { code: "ServiceUnavailable" },
      disable_x_envoy_ratelimited_header: true,
      rate_limit_service: {
        grpc_service: { envoy_grpc: { cluster_name: RATELIMIT_CLUSTER } },
        transport_api_version: "V3",
      },
    }),
  ];
}

/** The filter's source, with the values whose names it has between two @. */
function budgetSource(): string {
  const { limit, remaining, resetSeconds } = limitHeaders;
  const windows = budgetWindows.map(
    ({ name, seconds }) => `{ name = "${name}", seconds = ${seconds} }`,
  );
  const names = {
    agent: ALL_AGENTS,
    windows: windows.join(", "),
    limit,
    remaining,
    resetSeconds,
    spent: SPENT_HEADER,
  };
  const source = readFileSync(new URL("budgets.lua", import.meta.url), "utf8");
  return source.replace(/@(\w+)@/g, (_, name: keyof typeof names) => names[name]);
}

/**
 * For the metadata of the virtual host: for each agent with a budget, and for all together, the limits by window, and how
 * a message names them.
 */
export function budgetsInRoutes(budgets: BudgetsArgs | undefined): Message {
  if (budgets === undefined) return {};
  const { all, agents } = budgets.limits;
  const whose = Object.entries({ ...agents, [ALL_AGENTS]: all }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return {
    [BUDGET]: Object.fromEntries(whose.map(([name, budget]) => [name, limitsOf(budget)])),
  };
}

function limitsOf(budget: Budget): Message {
  return Object.fromEntries(
    windowsOf(budget).map(({ window, usd }) => [
      window.name,
      { limit: limitUnits(usd), amount: `${dollars(usd)} USD ${window.phrase}` },
    ]),
  );
}

/** `0.05`, `5.00`, `0.00125`: at least two digits after the point. */
function dollars(usd: number): string {
  return usd.toFixed(5).replace(/0{1,3}$/, "");
}

/**
 * Settings of a route that costs money. When a request arrives, the service is asked whether a limit is reached; when its
 * stream has ended, the service is told what it cost. If several limits are reached, the service names the last one, so the
 * longest window comes last.
 */
export function budgetOfRoute(budgets: BudgetsArgs | undefined): Message {
  if (budgets === undefined) return {};
  const { all, agents } = budgets.limits;
  const charged = budgetWindows.flatMap(({ name, key }) => [
    ...(Object.values(agents).some((budget) => budget[key] !== undefined)
      ? [[window(name), agentWith(name)]]
      : []),
    ...(all[key] === undefined ? [] : [[window(name), everyAgent]]),
  ]);
  return {
    typed_per_filter_config: {
      [RATELIMIT_FILTER]: typed("envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute", {
        rate_limits: [
          ...charged.map((actions) => ({ actions, hits_addend: { number: 0 } })),
          ...charged.map((actions) => ({
            actions,
            hits_addend: { format: `%DYNAMIC_METADATA(${METER}:${meterKeys.charge})%` },
            apply_on_stream_done: true,
          })),
        ],
      }),
    },
  };
}

function window(name: string): Message {
  return { generic_key: { descriptor_key: descriptorKeys.window, descriptor_value: name } };
}

const everyAgent: Message = {
  generic_key: { descriptor_key: descriptorKeys.agent, descriptor_value: ALL_AGENTS },
};

/** The agent's name, if it has a budget for that window. Else Envoy leaves the descriptor out. */
function agentWith(windowName: string): Message {
  return {
    metadata: {
      descriptor_key: descriptorKeys.agent,
      metadata_key: { key: BUDGET, path: [{ key: windowName }] },
      source: "DYNAMIC",
    },
  };
}

/** Settings of the service's cluster, besides its address. */
export function ratelimitOptions(): Message {
  return {
    // The service's pod may vanish with its machine. A dead connection is then found in 25 s.
    upstream_connection_options: {
      tcp_keepalive: { keepalive_time: 10, keepalive_interval: 5, keepalive_probes: 3 },
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        { explicit_http_config: { http2_protocol_options: {} } },
      ),
    },
  };
}

/** Port of the service. */
export const RATELIMIT_PORT = ports.ratelimit;
