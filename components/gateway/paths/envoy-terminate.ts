import { extraRoutes, httpBaseUrl } from "./http.ts";
import { noHosts, type Variant } from "./variant.ts";

/** Envoy alone: it holds the credential and changes nothing else. */
export const envoyTerminate = {
  name: "envoy-terminate",
  path: "envoy",
  mode: { name: "terminate", description: "Envoy holds the credential." },
  title: "Envoy",
  chain: "agent → Envoy → API",
  holder: "gateway",
  listeners: ["agents"],
  tlsHosts: noHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  portability: "No: The agents' API is Anthropic's, passed on as it is.",
  deviations: {},
} as const satisfies Variant;
