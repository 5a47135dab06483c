import { agentsInRoutes, anyAgent } from "./agent.ts";
import { type AgentTokens, type EnvoyConfigArgs, upstreamHost } from "./args.ts";
import { budgetsInRoutes, budgetOfRoute } from "./budgets.ts";
import { clusterNames } from "./clusters.ts";
import {
  BASE_PATH,
  type Endpoint,
  endpoints,
  HELLO_PATH,
  MAX_REQUEST_BYTES,
} from "../api/endpoints.ts";
import { routesName } from "./in-routes.ts";
import { pricesInRoutes } from "./metering.ts";
import { type Message, seconds } from "./proto.ts";
import { STREAM_IDLE_SECONDS } from "./timeouts.ts";

/**
 * Name of the agents' route configuration. An earlier release, whose routes contained the tokens, used `agents`. Its Envoy
 * reads the same file while it drains; because the name differs, it ignores these routes and keeps its own.
 */
export const AGENT_ROUTES = "agent-routes";

/** Name of the route configuration of LiteLLM's requests to the API. */
export const EGRESS_ROUTES = "egress-routes";

/**
 * The agents' routes. Envoy relays a request only if its path and method match and its token belongs to an agent. The
 * metadata contains the tokens, so this file is a secret, and the prices. Envoy applies a change of it without a drain.
 */
export function agentRoutes(args: EnvoyConfigArgs, agents: readonly AgentTokens[]): Message {
  const open = endpoints(args.routes);
  const metadata = {
    ...agentsInRoutes(agents),
    ...pricesInRoutes(args.prices),
    ...budgetsInRoutes(args.budgets),
  };
  const routes = [
    tooLarge(BASE_PATH),
    ...open.map((endpoint) => agentRoute(args, endpoint)),
    ...open.map((endpoint) => answer(401, BASE_PATH + endpoint.path, endpoint.method)),
    ...(args.routes?.includes("hello") === true
      ? [answer(200, BASE_PATH + HELLO_PATH, "HEAD")]
      : []),
    ...open.map((endpoint) => answer(405, BASE_PATH + endpoint.path)),
    notFound(),
  ];
  const name = routesName(metadata);
  return {
    name: AGENT_ROUTES,
    virtual_hosts: [
      {
        name: "agents",
        domains: ["*"],
        metadata: { filter_metadata: metadata },
        routes: routes.map((route) => ({ name, ...route })),
      },
    ],
  };
}

/**
 * LiteLLM's routes to the upstream. Envoy adds the real credential to each request that it relays here, so it relays only
 * what shows LiteLLM's placeholder. The file is a secret, because it contains the placeholder.
 */
export function egressRoutes(args: EnvoyConfigArgs, placeholder: string): Message {
  const open = endpoints(args.routes);
  return {
    name: EGRESS_ROUTES,
    virtual_hosts: [
      {
        name: "egress",
        domains: ["*"],
        routes: [
          ...open.map(({ method, path }) => ({
            match: {
              path,
              headers: [exactHeader(":method", method), exactHeader("x-api-key", placeholder)],
            },
            route: relay(clusterNames.anthropic, upstreamHost(args)),
          })),
          ...open.map(({ method, path }) => answer(401, path, method)),
          notFound(),
        ],
      },
    ],
  };
}

function agentRoute(args: EnvoyConfigArgs, endpoint: Endpoint): Message {
  return {
    match: {
      path: BASE_PATH + endpoint.path,
      headers: [exactHeader(":method", endpoint.method)],
      dynamic_metadata: [anyAgent],
    },
    route:
      args.litellmHost === undefined
        ? {
            ...relay(clusterNames.anthropic, upstreamHost(args)),
            // The match is exact, so this replaces the whole path. The query stays.
            prefix_rewrite: endpoint.path,
          }
        : relay(clusterNames.litellm, args.litellmHost),
    ...(endpoint.costs ? budgetOfRoute(args.budgets) : {}),
  };
}

/** Relays to a cluster for as long as bytes flow. */
function relay(cluster: string, host: string): Message {
  return {
    cluster,
    host_rewrite_literal: host,
    timeout: "0s",
    idle_timeout: seconds(STREAM_IDLE_SECONDS),
    // Envoy never retries after a response: the client does, and needs the upstream's retry-after for it.
    retry_policy: { retry_on: "connect-failure", num_retries: 2 },
  };
}

/** Refuses a body whose declared length is over the upstream's limit. The upstream refuses one without a declared length. */
function tooLarge(prefix: string): Message {
  const within = { start: "0", end: String(MAX_REQUEST_BYTES + 1) };
  return {
    match: {
      prefix,
      // Inverted, because a range ends at 2^63 - 1 at the latest and a declared length can be higher.
      headers: [{ name: "content-length", range_match: within, invert_match: true }],
    },
    direct_response: { status: 413 },
  };
}

/** An answer of Envoy itself. The local replies add the body of an error. */
function answer(status: number, path: string, method?: string): Message {
  return {
    match: { path, ...(method === undefined ? {} : { headers: [exactHeader(":method", method)] }) },
    direct_response: { status },
  };
}

function notFound(): Message {
  return { match: { prefix: "/" }, direct_response: { status: 404 } };
}

function exactHeader(name: string, exact: string): Message {
  return { name, string_match: { exact } };
}
