import { readFileSync } from "node:fs";
import type { AgentTokens } from "./args.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import type { Message } from "./proto.ts";

/** Name of the filter that finds the agent, and of its metadata in the virtual host. */
export const AGENT_FILTER = "agent";

/** Namespace of the dynamic metadata that the filter writes. */
const FOUND = "gateway";

/** Finds the agent of a request. It must come before the filter that removes the token. */
export function findAgent(): Message {
  return lua(AGENT_FILTER, withRoutes(readFileSync(new URL("agent.lua", import.meta.url), "utf8")));
}

/** For the metadata of the virtual host: the agents' names by their tokens. One look-up, however many there are. */
export function agentsInRoutes(agents: readonly AgentTokens[]): Message {
  const names = agents.flatMap(({ name, tokens }) => tokens.map((token) => [token, name] as const));
  const sorted = names.sort(([a], [b]) => (a < b ? -1 : 1));
  return { [AGENT_FILTER]: Object.fromEntries(sorted) };
}

/** Part of a route's match: the request has the token of an agent. */
export const anyAgent: Message = agentWith({ present_match: true });

/** Part of a route's match: the request has the token of one of these agents. */
export function oneOfAgents(names: readonly string[]): Message {
  const [first, ...others] = names.map((exact) => ({ string_match: { exact } }));
  if (first === undefined) throw new Error("a route is for no agent: name one, or remove it");
  // Envoy refuses an `or` of one.
  return agentWith(
    others.length === 0 ? first : { or_match: { value_matchers: [first, ...others] } },
  );
}

function agentWith(value: Message): Message {
  return { filter: FOUND, path: [{ key: "agent" }], value };
}

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
