import { CLEAN_PATH } from "../../inspect/paths.ts";
import type { HostRule, InspectedHost } from "../../inspect/rules.ts";
import { ROUTE_INFO } from "../access-log.ts";
import { agentsInRoutes, anyAgent, oneOfAgents } from "../agent.ts";
import type { AgentTokens } from "../args.ts";
import { routesName } from "../in-routes.ts";
import type { Message } from "../proto.ts";
import { relay } from "../routes.ts";

/** Statuses by which the routes of an inspected host refuse a request. */
export const refusals = { path: 400, token: 401, rule: 403, host: 421 } as const;

/** Name of the route configuration of an inspected host. */
export function hostRoutesName(host: string): string {
  return `host-routes-${host}`;
}

/**
 * The routes of an inspected host. Its server name is that of the connection, so a request that names another host is
 * refused. The metadata contains the agents' tokens, so this file is a secret.
 */
export function hostRoutes(inspected: InspectedHost, agents: readonly AgentTokens[]): Message {
  const { host, rules, credential } = inspected;
  const metadata = agentsInRoutes(agents);
  const routes = [
    refuse("path", {
      prefix: "/",
      headers: [{ ...path(`${CLEAN_PATH}(?:\\?.*)?`), invert_match: true }],
    }),
    ...rules.map((rule) => allow(inspected, rule)),
    // A request without a token gets 401 instead of the 403 of the rules: Git sends one only when it is asked.
    ...(credential === undefined
      ? [refuse("rule", { prefix: "/" })]
      : [
          refuse("rule", { prefix: "/", dynamic_metadata: [anyAgent] }),
          refuse("token", { prefix: "/" }),
        ]),
  ];
  const name = routesName(metadata);
  return {
    name: hostRoutesName(host),
    virtual_hosts: [
      {
        name: host,
        domains: [host, `${host}:443`],
        metadata: { filter_metadata: metadata },
        routes: routes.map((route) => ({ name, ...route })),
      },
      { name: "other", domains: ["*"], routes: [refuse("host", { prefix: "/" })] },
    ],
  };
}

function allow({ host, credential }: InspectedHost, rule: HostRule): Message {
  const who = rule.agents === undefined ? anyAgent : oneOfAgents(rule.agents);
  return {
    match: {
      safe_regex: { regex: rule.path },
      headers: [
        { name: ":method", string_match: { safe_regex: { regex: rule.methods.join("|") } } },
        ...(rule.query === undefined ? [] : [path(withQuery(rule.query))]),
      ],
      ...(credential && { dynamic_metadata: [who] }),
    },
    route: relay(host, host),
    metadata: info("action", rule.action),
  };
}

function refuse(why: keyof typeof refusals, match: Message): Message {
  return { match, direct_response: { status: refusals[why] }, metadata: info("refused", why) };
}

/** For the log. */
function info(key: "action" | "refused", value: string): Message {
  return { filter_metadata: { [ROUTE_INFO]: { [key]: value } } };
}

/** Part of a match: the whole path with its query. */
function path(regex: string): Message {
  return { name: ":path", string_match: { safe_regex: { regex } } };
}

/** RE2 for a path with exactly this query. A question mark without anything after it is none. */
function withQuery(query: string): string {
  return query === "" ? "[^?]*\\??" : `[^?]*\\?${escaped(query)}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]/g, "\\$&");
}
