import { agentsInRoutes, anyAgent } from "./agent.ts";
import { type AgentTokens, type EnvoyConfigArgs, upstreamHost } from "./args.ts";
import { budgetsInRoutes, budgetOfRoute } from "./budgets.ts";
import { clusterNames, upstreamCluster } from "./clusters.ts";
import { type Endpoint, HELLO_PATH, MAX_REQUEST_BYTES } from "../api/endpoints.ts";
import { upstreamOf } from "../paths/variant.ts";
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
  const { prefix, query, endpoints } = upstreamOf(args.variant);
  const open = endpoints(args.routes ?? []);
  const metadata = {
    ...agentsInRoutes(agents),
    ...pricesInRoutes(args.prices),
    ...budgetsInRoutes(args.budgets),
  };
  const routes = [
    tooLarge(prefix),
    ...(query ? [] : [noQuery]),
    ...open.map((endpoint) => agentRoute(args, endpoint)),
    ...open.map((endpoint) => answer(401, at(endpoint, prefix), endpoint.method)),
    ...(args.routes?.includes("hello") === true
      ? [answer(200, { path: prefix + HELLO_PATH }, "HEAD")]
      : []),
    ...open.map((endpoint) => answer(405, at(endpoint, prefix))),
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
  const open = upstreamOf(args.variant).endpoints(args.routes ?? []);
  return {
    name: EGRESS_ROUTES,
    virtual_hosts: [
      {
        name: "egress",
        domains: ["*"],
        routes: [
          ...open.map((endpoint) => ({
            match: {
              ...at(endpoint),
              headers: [
                exactHeader(":method", endpoint.method),
                exactHeader("x-api-key", placeholder),
              ],
            },
            route: relay(upstreamCluster(args.variant), upstreamHost(args)),
          })),
          ...open.map((endpoint) => answer(401, at(endpoint), endpoint.method)),
          notFound(),
        ],
      },
    ],
  };
}

function agentRoute(args: EnvoyConfigArgs, endpoint: Endpoint): Message {
  const { prefix } = upstreamOf(args.variant);
  return {
    match: {
      ...at(endpoint, prefix),
      headers: [exactHeader(":method", endpoint.method)],
      dynamic_metadata: [anyAgent],
    },
    route:
      args.litellmHost === undefined
        ? {
            ...relay(upstreamCluster(args.variant), upstreamHost(args)),
            ...withoutPrefix(endpoint, prefix),
          }
        : relay(clusterNames.litellm, args.litellmHost),
    ...(endpoint.costs ? budgetOfRoute(args.budgets) : {}),
  };
}

/** Part of a match: the path of an endpoint after a prefix. */
function at({ path, pattern }: Endpoint, prefix = ""): Message {
  return pattern === true ? { safe_regex: { regex: prefix + path } } : { path: prefix + path };
}

/** Part of a route: the upstream gets the path without the prefix. The query stays. */
function withoutPrefix({ path, pattern }: Endpoint, prefix: string): Message {
  return pattern === true
    ? { regex_rewrite: { pattern: { regex: `^${prefix}` }, substitution: "" } }
    : // The match is exact, so this replaces the whole path.
      { prefix_rewrite: path };
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
function answer(status: number, match: Message, method?: string): Message {
  return {
    match: {
      ...match,
      ...(method === undefined ? {} : { headers: [exactHeader(":method", method)] }),
    },
    direct_response: { status },
  };
}

/** Refuses a request with a query. */
const noQuery: Message = {
  match: { prefix: "/", headers: [{ name: ":path", string_match: { contains: "?" } }] },
  direct_response: { status: 404 },
};

function notFound(): Message {
  return { match: { prefix: "/" }, direct_response: { status: 404 } };
}

function exactHeader(name: string, exact: string): Message {
  return { name, string_match: { exact } };
}
