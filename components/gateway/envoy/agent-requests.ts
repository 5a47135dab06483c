import { readFileSync } from "node:fs";
import type { AgentRequests } from "./args.ts";
import { WORKERS } from "./command.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import { MAX_AGENT_REQUESTS } from "./limits.ts";
import { extension, type Message } from "./proto.ts";

/** Name of the filter, and of its metadata in the virtual host. */
const FILTER = "agent-requests";

/**
 * Two filters that come after the one that finds the agent. The first one decides. It refuses a request of an agent that has
 * as many as it may have at once. One that comes faster than {@link MAX_AGENT_REQUESTS} a second, or than the agent's own
 * limit if that is higher, waits for its turn, and so does a refusal: otherwise an agent that repeats requests at once would
 * keep Envoy busy, and others would wait. The second filter carries this out.
 */
export function limitAgentRequests(): readonly Message[] {
  const source = readFileSync(new URL("agent-requests.lua", import.meta.url), "utf8");
  return [lua(FILTER, withRoutes(source.replace("@workers@", String(WORKERS)))), holdOrRefuse];
}

/** Holds and refuses what has the headers for it. The first filter has removed those that came from outside. */
const holdOrRefuse: Message = extension(
  "envoy.filters.http.fault",
  "envoy.extensions.filters.http.fault.v3.HTTPFault",
  {
    delay: { header_delay: {}, percentage: { numerator: 100 } },
    abort: { header_abort: {}, percentage: { numerator: 100 } },
    disable_downstream_cluster_stats: true,
  },
);

/** For the metadata of the virtual host: how many requests each agent may have at once. */
export function agentRequestsInRoutes(agents: AgentRequests = {}): Message {
  const sorted = Object.entries(agents).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    [FILTER]: { default: MAX_AGENT_REQUESTS, agents: Object.fromEntries(sorted) },
  };
}

/** Filter of a local reply: the agent has too many requests at once. */
export const tooManyRequests: Message = {
  metadata_filter: {
    matcher: {
      filter: "gateway",
      path: [{ key: "refused" }],
      value: { string_match: { exact: "too many requests" } },
    },
    match_if_key_not_found: false,
  },
};

/** The agent's limit in a message. */
export const agentLimitFormat = "%DYNAMIC_METADATA(gateway:limit)%";
