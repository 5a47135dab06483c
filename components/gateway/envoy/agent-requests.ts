import { readFileSync } from "node:fs";
import type { AgentRequests } from "./args.ts";
import { WORKERS } from "./command.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import { MAX_AGENT_REQUESTS } from "./limits.ts";
import type { Message } from "./proto.ts";

/** Name of the filter, and of its metadata in the virtual host. */
const FILTER = "agent-requests";

/** Refuses a request of an agent that has as many as it may have at once. It comes after the filter that finds the agent. */
export function limitAgentRequests(): Message {
  const source = readFileSync(new URL("agent-requests.lua", import.meta.url), "utf8");
  return lua(FILTER, withRoutes(source.replace("@workers@", String(WORKERS))));
}

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
