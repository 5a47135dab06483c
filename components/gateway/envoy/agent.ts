import { readFileSync } from "node:fs";
import type { AgentTokens } from "./args.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import type { Message } from "./proto.ts";

/** Name of the filter that finds the agent, and of its metadata in the virtual host. */
const FILTER = "agent";

/** Namespace of the dynamic metadata that the filter writes. */
const FOUND = "gateway";

/** Finds the agent of a request. It must come before the filter that removes the token. */
export function findAgent(): Message {
  return lua(FILTER, withRoutes(readFileSync(new URL("agent.lua", import.meta.url), "utf8")));
}

/** For the metadata of the virtual host: the agents' names by their tokens. One look-up, however many there are. */
export function agentsInRoutes(agents: readonly AgentTokens[]): Message {
  const names = agents.flatMap(({ name, tokens }) => tokens.map((token) => [token, name] as const));
  const sorted = names.sort(([a], [b]) => (a < b ? -1 : 1));
  return { [FILTER]: Object.fromEntries(sorted) };
}

/** Part of a route's match: the request has the token of an agent. */
export const anyAgent: Message = {
  filter: FOUND,
  path: [{ key: "agent" }],
  value: { present_match: true },
};

/** Filter of an access logger: the request is an agent's. */
export const ofAgent: Message = {
  metadata_filter: {
    matcher: { filter: FOUND, path: [{ key: "agent" }], value: { present_match: true } },
    match_if_key_not_found: false,
  },
};

/** Filter of a local reply: the request has tokens of two agents. */
export const twoAgents: Message = {
  metadata_filter: {
    matcher: {
      filter: FOUND,
      path: [{ key: "refused" }],
      value: { string_match: { exact: "two agents" } },
    },
    match_if_key_not_found: false,
  },
};

/** The agent's name in the access log. */
export const agentFormat = `%DYNAMIC_METADATA(${FOUND}:agent)%`;
