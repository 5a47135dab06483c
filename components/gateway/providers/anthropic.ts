import { BASE_PATH, endpoints } from "../api/endpoints.ts";
import { UPSTREAM_HOST } from "../api/upstream.ts";
import type { Provider, Upstream } from "./provider.ts";

/** Anthropic's own API. */
export const anthropicApi: Upstream = {
  name: "anthropic",
  host: UPSTREAM_HOST,
  prefix: BASE_PATH,
  basePath: "",
  endpoints,
  query: true,
  messagePaths: ["/v1/messages$"],
  identityHeaders: [],
  telemetryName: "anthropic",
  environment: (baseUrl) => ({ ANTHROPIC_BASE_URL: baseUrl }),
};

/** The default provider. */
export const anthropic = {
  name: "anthropic",
  title: "Anthropic's API",
  credentials: ["apiKey", "oauth", "federated"],
  settings: {},
  upstream: () => anthropicApi,
} as const satisfies Provider;
