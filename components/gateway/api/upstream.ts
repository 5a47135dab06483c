/** The host that the gateway relays to; it is never an entry of the allowlist. */
export const UPSTREAM_HOST = "api.anthropic.com";

/** Base URL of the API, without a path. */
export const UPSTREAM_BASE_URL = `https://${UPSTREAM_HOST}`;
