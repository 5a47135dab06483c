import { extraRoutes, httpBaseUrl } from "./http.ts";
import { LITELLM_PORTABILITY, litellmLosses } from "./through-litellm.ts";
import { noHosts, type Variant } from "./variant.ts";

/** LiteLLM between two listeners of one Envoy, which restores the API's own errors. */
export const shim = {
  name: "shim",
  path: "shim",
  title: "Shim",
  chain: "agent → Envoy → LiteLLM → Envoy → API",
  holder: "envoy",
  credentials: ["apiKey", "oauth", "federated"],
  litellm: "behind-envoy",
  listeners: ["agents", "egress"],
  tlsHosts: noHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  portability: LITELLM_PORTABILITY,
  deviations: litellmLosses,
} as const satisfies Variant;
