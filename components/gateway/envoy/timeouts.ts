/** Silence that ends a stream or a tunnel. Claude Code's own watchdogs act at 300 s, and must act first. */
export const STREAM_IDLE_SECONDS = 900;

/** To set up a connection to the next hop. */
export const CONNECT_SECONDS = 10;

/** One question to the cluster's DNS; see {@link DNS_TRIES}. */
export const DNS_TIMEOUT_SECONDS = 2;

/** Questions until a name is given up; c-ares waits twice as long with each. */
export const DNS_TRIES = 2;

/**
 * Longest wait for DNS before Envoy is ready without it: for IPv4 and then for IPv6. A startup probe must allow
 * more. The names are asked for again every 5 s.
 */
export const DNS_START_SECONDS = 2 * DNS_TIMEOUT_SECONDS * (2 ** DNS_TRIES - 1);

/** Until a pod that is not ready is started again; it must allow for {@link DNS_START_SECONDS}. */
export const STARTUP_PROBE_SECONDS = 60;

/** To receive a request's headers, or a tunnel's first TLS message. */
export const HEADERS_SECONDS = 30;

/** To receive a request's body, as long as Claude Code itself waits. A body that stops arriving holds a connection until then. */
export const REQUEST_SECONDS = 600;

/** A connection without a request is closed after this time: nobody can tell whose it is. */
export const UNUSED_CONNECTION_SECONDS = 60;

/**
 * How long Envoy keeps a connection open that it has to close, for a client that is still sending or does not read:
 * without it, the client is reset and may not read an early 401 or 413. It also delays the end of a stream that broke,
 * so it is short. Every agent is on the same machine.
 */
export const LINGER_SECONDS = 0.2;

/** An unused connection to the upstream is closed before the upstream's own limit (400 s) can race a request. */
export const UPSTREAM_KEEPALIVE_SECONDS = 60;

/** uvicorn closes unused connections after 5 s by default: a request sent at that moment would be lost. */
export const LITELLM_KEEPALIVE_SECONDS = 3;
