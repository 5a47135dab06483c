import { agentMetadata, anyAgent } from "./agent.ts";
import { type AgentTokens, type EnvoyConfigArgs, upstreamHost } from "./args.ts";
import { clusterNames } from "./clusters.ts";
import {
  BASE_PATH,
  type Endpoint,
  endpoints,
  HELLO_PATH,
  MAX_REQUEST_BYTES,
} from "../api/endpoints.ts";
import { type Message, seconds } from "./proto.ts";
import { STREAM_IDLE_SECONDS } from "./timeouts.ts";

/**
 * Name of the agents' route configuration. Not `agents`, as it was while tokens stood in the routes: an Envoy of that
 * time, which drains beside its successor and reads the same file, keeps the routes that it understands.
 */
export const AGENT_ROUTES = "agent-routes";

/**
 * The agents' routes. A request goes on only where its path and its method match and its agent was found by a
 * token. The tokens, which come along as metadata, make this file a secret; a change of it drains nothing.
 */
export function agentRoutes(args: EnvoyConfigArgs, agents: readonly AgentTokens[]): Message {
  const open = endpoints(args.routes);
  return {
    name: AGENT_ROUTES,
    virtual_hosts: [
      {
        name: "agents",
        domains: ["*"],
        metadata: agentMetadata(agents),
        routes: [
          tooLarge(BASE_PATH),
          ...open.map((endpoint) => agentRoute(args, endpoint)),
          ...open.map((endpoint) => answer(401, BASE_PATH + endpoint.path, endpoint.method)),
          ...(args.routes?.includes("hello") === true
            ? [answer(200, BASE_PATH + HELLO_PATH, "HEAD")]
            : []),
          ...open.map((endpoint) => answer(405, BASE_PATH + endpoint.path)),
          notFound(),
        ],
      },
    ],
  };
}

/** LiteLLM's routes to the upstream. */
export function egressRoutes(args: EnvoyConfigArgs): Message {
  return {
    name: "egress",
    virtual_hosts: [
      {
        name: "egress",
        domains: ["*"],
        routes: [
          ...endpoints(args.routes).map(({ method, path }) => ({
            match: { path, headers: [exactHeader(":method", method)] },
            route: relay(clusterNames.anthropic, upstreamHost(args)),
          })),
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
            // The match is exact, so the rewritten prefix is the whole path; the query stays.
            prefix_rewrite: endpoint.path,
          }
        : relay(clusterNames.litellm, args.litellmHost),
  };
}

/** Relays to a cluster for as long as bytes flow. */
function relay(cluster: string, host: string): Message {
  return {
    cluster,
    host_rewrite_literal: host,
    timeout: "0s",
    idle_timeout: seconds(STREAM_IDLE_SECONDS),
    // No response is ever retried: the client does that, and needs the upstream's retry-after for it.
    retry_policy: { retry_on: "connect-failure", num_retries: 2 },
  };
}

/** Refuses a body that is declared larger than the upstream takes. One of unknown length is the upstream's to refuse. */
function tooLarge(prefix: string): Message {
  const within = { start: "0", end: String(MAX_REQUEST_BYTES + 1) };
  return {
    match: {
      prefix,
      // Not "above the limit": the numbers of a range end at 2^63 - 1, and a length need not.
      headers: [{ name: "content-length", range_match: within, invert_match: true }],
    },
    direct_response: { status: 413 },
  };
}

/** An answer of our own; its body, if it is an error, is written by the local replies. */
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
