/** Path of the agents' base URL. */
export const BASE_PATH = "/anthropic";

/** Largest request body that the API accepts: 32 MB. */
export const MAX_REQUEST_BYTES = 32 * 1024 * 1024;

/**
 * Optional routes besides the two message routes. `hello`: `HEAD /api/hello`, by which Claude Code warms up its
 * connection; the gateway answers it itself and needs no token. `models`: `GET /v1/models`, its model discovery.
 */
export type ExtraRoute = "hello" | "models";

/** A route of the upstream. */
export interface Endpoint {
  readonly method: "GET" | "POST";
  /** Path at the upstream, without the agents' prefix. */
  readonly path: string;
  /** Whether `path` is a regular expression (RE2) for a whole path. Default: it is the path itself. */
  readonly pattern?: true;
  /** Whether a request costs money. */
  readonly costs: boolean;
}

const MESSAGES: Endpoint = { method: "POST", path: "/v1/messages", costs: true };
const COUNT_TOKENS: Endpoint = { method: "POST", path: "/v1/messages/count_tokens", costs: false };
const MODELS: Endpoint = { method: "GET", path: "/v1/models", costs: false };

/** Path of the `hello` route. */
export const HELLO_PATH = "/api/hello";

/** The upstream's routes that agents may call. */
export function endpoints(extra: readonly ExtraRoute[] = []): readonly Endpoint[] {
  return [MESSAGES, COUNT_TOKENS, ...(extra.includes("models") ? [MODELS] : [])];
}
