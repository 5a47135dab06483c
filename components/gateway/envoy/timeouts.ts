/** Silence that ends a stream or a tunnel. Claude Code's own watchdogs act at 300 s, and must act first. */
export const STREAM_IDLE_SECONDS = 900;

/** To set up a connection to the next hop. */
export const CONNECT_SECONDS = 10;

/** To receive a request's headers, or a tunnel's first TLS message. */
export const HEADERS_SECONDS = 30;

/** An unused connection to the upstream is closed before the upstream's own limit (400 s) can race a request. */
export const UPSTREAM_KEEPALIVE_SECONDS = 60;

/** uvicorn closes unused connections after 5 s by default: a request sent at that moment would be lost. */
export const LITELLM_KEEPALIVE_SECONDS = 3;
