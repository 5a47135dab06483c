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
    "Not measured: the stack's provider is Anthropic's API. The path also offers vertex and bedrock.",
  deviations: {
    "headers.accept-encoding": {
      status: "by-design",
      loss: "changed",
      reason:
        "the meter cannot read a compressed answer, so Envoy asks the API for a plain one; answers and streams reach the agent uncompressed",
    },
  },
} as const satisfies Variant;
