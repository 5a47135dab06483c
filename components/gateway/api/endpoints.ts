/** Prefix of the agents' base URL. */
export const BASE_PATH = "/anthropic";

/** Largest request body that the API takes: 32 MB. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/**
 * What may be opened beside the two message routes. `hello`: `HEAD /api/hello`, the client's connection
 * warm-up, answered by the gateway itself without a token. `models`: `GET /v1/models`, its model discovery.
 */
export type ExtraRoute = "hello" | "models";

/** A route of the upstream. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  /** Path at the upstream, without the agents' prefix. */
  readonly path: string;
}

const MESSAGES: Endpoint = { method: "POST", path: "/v1/messages" };
const COUNT_TOKENS: Endpoint = { method: "POST", path: "/v1/messages/count_tokens" };
const MODELS: Endpoint = { method: "GET", path: "/v1/models" };

/** Path of the connection warm-up. */
export const HELLO_PATH = "/api/hello";

/** The upstream's routes that are open. */
export function endpoints(extra: readonly ExtraRoute[] = []): readonly Endpoint[] {
  return [MESSAGES, COUNT_TOKENS, ...(extra.includes("models") ? [MODELS] : [])];
}
