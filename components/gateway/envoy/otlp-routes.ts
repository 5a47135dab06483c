import { agentFormat, agentsInRoutes, anyAgent } from "./agent.ts";
import { agentRequestsInRoutes } from "./agent-requests.ts";
import type { AgentTokens, OtlpArgs } from "./args.ts";
import { clusterNames } from "./clusters.ts";
import { MAX_OTLP_BYTES } from "./limits.ts";
import { type Message, seconds } from "./proto.ts";

/** Name of the route configuration. */
export const OTLP_ROUTES = "otlp-routes";

/** What agents may send: metrics, and logs, which are Claude Code's events. */
const SIGNALS = ["metrics", "logs"] as const;

/** Tells the receiver which agent sent it. The agent writes the body, so the body does not prove that. */
export const AGENT_HEADER = "x-claude-gateway-agent";

/** Longest time that an agent waits for the receiver's answer. */
const TIMEOUT_SECONDS = 10;

/** Path of a signal at the receiver. */
export function otlpPath({ path }: OtlpArgs, signal: string): string {
  return `${path}/v1/${signal}`;
}

/** Host of the receiver, with its port unless that is the usual one. */
export function otlpAuthority({ host, port, namespace }: OtlpArgs): string {
  return namespace === undefined ? host : `${host}:${port}`;
}

/** The routes of agents' telemetry. As with {@link agentRoutes}, the metadata contains the tokens. */
export function otlpRoutes(otlp: OtlpArgs, agents: readonly AgentTokens[]): Message {
  const known = SIGNALS.map((signal) => ({ signal, path: `/v1/${signal}` }));
  return {
    name: OTLP_ROUTES,
    virtual_hosts: [
      {
        name: "otlp",
        domains: ["*"],
        metadata: { filter_metadata: { ...agentsInRoutes(agents), ...agentRequestsInRoutes() } },
        routes: [
          // A receiver may take a tenant from the query.
          answer(404, { prefix: "/", headers: [withQuery] }),
          ...known.map(({ signal, path }) => ({
            match: { path, headers: [post, bounded], dynamic_metadata: [anyAgent] },
            route: {
              cluster: clusterNames.otlp,
              host_rewrite_literal: otlpAuthority(otlp),
              prefix_rewrite: otlpPath(otlp, signal),
              timeout: seconds(TIMEOUT_SECONDS),
              // Counted apart from the records, see the cluster.
              priority: "HIGH",
            },
            request_headers_to_add: [
              {
                header: { key: AGENT_HEADER, value: agentFormat },
                append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
              },
            ],
          })),
          ...known.flatMap(({ path }) => [
            // A body without a declared length has no bound.
            answer(413, { path, headers: [post], dynamic_metadata: [anyAgent] }),
            answer(401, { path, headers: [post] }),
            answer(405, { path }),
          ]),
          answer(404, { prefix: "/" }),
        ],
      },
    ],
  };
}

const post: Message = { name: ":method", string_match: { exact: "POST" } };

const withQuery: Message = { name: ":path", string_match: { contains: "?" } };

const bounded: Message = {
  name: "content-length",
  range_match: { start: "0", end: String(MAX_OTLP_BYTES + 1) },
};

function answer(status: number, match: Message): Message {
  return { match, direct_response: { status } };
}
