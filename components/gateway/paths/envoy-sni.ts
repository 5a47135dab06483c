import { UPSTREAM_HOST } from "../api/upstream.ts";
import { extraRoutes } from "./http.ts";
import { sortedHosts, type Variant } from "./variant.ts";

/** Envoy passes the agent's TLS on by server name (SNI). The agent holds the credential. */
export const envoySni = {
  name: "envoy-sni",
  path: "envoy",
  mode: {
    name: "sni",
    description: "Envoy passes TLS on untouched and the agent holds the credential.",
  },
  title: "Envoy by SNI",
  chain: "agent → Envoy, TLS untouched → API",
  holder: "agent",
  credentials: ["apiKey", "oauth"],
  listeners: ["sni"],
  tlsHosts: (allow) => sortedHosts([...allow, UPSTREAM_HOST]),
  baseUrl: () => `https://${UPSTREAM_HOST}`,
  settings: { routes: extraRoutes },
  portability: "No: The agents' API is Anthropic's, passed on as it is.",
  deviations: {
    cost: {
      status: "not-applicable",
      reason: "Envoy sees encrypted bytes: only connections and bytes by host name",
    },
    "configuration.credential-holder": {
      status: "by-design",
      loss: "agent-holds",
      reason: "TLS passes through untouched, so the agent itself needs the API's credential",
    },
    "claude-code.model-discovery": {
      status: "not-applicable",
      reason: "Claude Code asks only a gateway for its models, and here its base URL is the API's",
    },
    "own-errors": {
      status: "not-applicable",
      reason:
        "TLS passes through untouched: the gateway sees no HTTP, so it has no tokens, routes or answers of its own",
    },
  },
} as const satisfies Variant;
