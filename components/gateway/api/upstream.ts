/** The host that the gateway relays to. The allowlist must not contain it. */
export const UPSTREAM_HOST = "api.anthropic.com";

/** Base URL of the API, without a path. */
export const UPSTREAM_BASE_URL = `https://${UPSTREAM_HOST}`;
