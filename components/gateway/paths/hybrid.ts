import { extraRoutes, httpBaseUrl } from "./http.ts";
import { LITELLM_PORTABILITY, litellmLosses } from "./through-litellm.ts";
import { sortedHosts, type Variant } from "./variant.ts";

/** Like `shim`; in addition, Envoy passes TLS to allowed hosts on by server name (SNI). */
export const hybrid = {
  name: "hybrid",
  path: "hybrid",
  title: "Hybrid",
  chain: "as Shim; other hosts: agent → Envoy, TLS untouched → host",
  holder: "envoy",
  credentials: ["apiKey", "oauth", "federated"],
  litellm: "behind-envoy",
  listeners: ["agents", "egress", "sni"],
  tlsHosts: sortedHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  portability: LITELLM_PORTABILITY,
  deviations: litellmLosses,
} as const satisfies Variant;
