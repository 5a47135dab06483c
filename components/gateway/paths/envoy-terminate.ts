import { extraRoutes, httpBaseUrl } from "./http.ts";
import { sortedHosts, type Variant } from "./variant.ts";

/** Envoy alone: it holds the credential and changes nothing else. It also passes TLS to allowed hosts on by server name (SNI). */
export const envoyTerminate = {
  name: "envoy-terminate",
  path: "envoy",
  mode: { name: "terminate", description: "Envoy holds the credential." },
  title: "Envoy",
  chain: "agent → Envoy → API; other hosts: agent → Envoy, TLS untouched → host",
  holder: "envoy",
  credentials: ["apiKey", "oauth", "federated", "google", "bedrockKey"],
  providers: ["anthropic", "vertex", "bedrock"],
  listeners: ["agents", "sni"],
  tlsHosts: sortedHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  portability:
    "Yes: a stack goes to vertex, to bedrock and back, and Claude Code works on each. A test of the lab runs that; this measurement does not.",
  deviations: {
    "headers.accept-encoding": {
      status: "by-design",
      loss: "changed",
      reason:
        "the meter cannot read a compressed answer, so Envoy asks the API for a plain one; answers and streams reach the agent uncompressed",
    },
  },
} as const satisfies Variant;
