import { readFileSync } from "node:fs";
import type { InspectedHost } from "../../inspect/rules.ts";
import { AGENT_FILTER } from "../agent.ts";
import { lua } from "../headers.ts";
import { withRoutes } from "../in-routes.ts";
import type { Message } from "../proto.ts";

/** Finds the agent of a request to an inspected host. It must come before the filter that removes the token. */
export function findAgentOf({ credential }: InspectedHost): Message {
  const own = ["x-api-key", ...(credential === undefined ? [] : [credential.header])];
  const headers = [...new Set(own)].filter((name) => name !== "authorization");
  const source = readFileSync(new URL("agent.lua", import.meta.url), "utf8");
  return lua(
    AGENT_FILTER,
    `local own_headers = { ${headers.map((name) => JSON.stringify(name)).join(", ")} }\n${withRoutes(source)}`,
  );
}
