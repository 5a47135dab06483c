/** A stream or tunnel ends after this long without a byte. Claude Code's own watchdogs act at 300 s and must act first. */
export const STREAM_IDLE_SECONDS = 900;

/** Longest time to set up a connection to the next hop. */
export const CONNECT_SECONDS = 10;

/** Timeout of the first query to the cluster's DNS; see {@link DNS_TRIES}. */
export const DNS_TIMEOUT_SECONDS = 2;

/** Queries before a look-up fails. c-ares doubles the timeout each time. */
export const DNS_TRIES = 2;

/**
 * Longest time that Envoy waits for DNS before it becomes ready without it: first for IPv4, then for IPv6. The startup
 * probe must allow more. Envoy looks the names up again every 5 s.
 */
export const DNS_START_SECONDS = 2 * DNS_TIMEOUT_SECONDS * (2 ** DNS_TRIES - 1);

/** A container that is not ready after this time is restarted. It must be longer than {@link DNS_START_SECONDS}. */
export const STARTUP_PROBE_SECONDS = 60;

/** Longest time to receive a request's headers, or a tunnel's first TLS message. */
export const HEADERS_SECONDS = 30;

/** Longest time to receive a whole request; Claude Code waits as long. A stalled body keeps its connection until then. */
export const REQUEST_SECONDS = 600;

/** The same for a request with telemetry, of 4 MiB at most from the same machine: 10 s, and as long for a wait for its turn. */
export const OTLP_REQUEST_SECONDS = 20;

/** A connection without a request is closed after this time, because Envoy cannot tell which agent it belongs to. */
export const UNUSED_CONNECTION_SECONDS = 60;

/**
 * How long Envoy waits before it closes a connection whose client still sends or does not read. Without this wait the
 * connection is reset, and the client may never see an early 401 or 413. It is short because it also delays the end of a
 * broken stream, and because every agent is on the same machine.
 */
export const LINGER_SECONDS = 0.2;

/** Longest time to check a budget. A busy machine needed more than 0.25 s; Valkey's own timeout is 1 s. */
export const BUDGET_CHECK_SECONDS = 2;

/** An unused connection to the upstream closes after this time, well before the upstream would close it (400 s). */
export const UPSTREAM_KEEPALIVE_SECONDS = 60;

/** Shorter than uvicorn's 5 s: a request that is sent just when uvicorn closes the connection would be lost. */
export const LITELLM_KEEPALIVE_SECONDS = 3;
