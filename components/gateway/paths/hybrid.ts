import { extraRoutes, httpBaseUrl } from "./http.ts";
import { litellmDecision, litellmLosses } from "./through-litellm.ts";
import { sortedHosts, type Variant } from "./variant.ts";

/** As `shim`, and TLS to allowlisted hosts is passed on by server name. */
export const hybrid = {
  name: "hybrid",
  path: "hybrid",
  title: "Hybrid",
  chain: "as Shim; other hosts: agent → Envoy, TLS untouched → host",
  holder: "gateway",
  litellm: "behind-envoy",
  listeners: ["agents", "egress", "sni"],
  tlsHosts: sortedHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  decision: {
    ...litellmDecision,
    observability: `${litellmDecision.observability} Envoy logs which agent asked, and connections to other hosts.`,
  },
  deviations: litellmLosses,
} as const satisfies Variant;
