import { httpBaseUrl } from "./http.ts";
import { bareLitellmLosses, LITELLM_PORTABILITY } from "./through-litellm.ts";
import { noHosts, type Variant } from "./variant.ts";

/** Agents call LiteLLM's passthrough. */
export const litellm = {
  name: "litellm",
  path: "litellm",
  title: "LiteLLM",
  chain: "agent → LiteLLM → API",
  holder: "litellm",
  credentials: ["apiKey", "oauth"],
  litellm: "called-by-agents",
  listeners: [],
  tlsHosts: noHosts,
  baseUrl: httpBaseUrl,
  settings: {},
  portability: LITELLM_PORTABILITY,
  deviations: bareLitellmLosses,
} as const satisfies Variant;
