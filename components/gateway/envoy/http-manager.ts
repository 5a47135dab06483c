import { extension, type Message, seconds } from "./proto.ts";
import {
  HEADERS_SECONDS,
  LINGER_SECONDS,
  REQUEST_SECONDS,
  STREAM_IDLE_SECONDS,
  UNUSED_CONNECTION_SECONDS,
} from "./timeouts.ts";
import { httpAccessLog } from "./access-log.ts";
import { type LocalReplyArgs, localReplyConfig } from "./local-replies.ts";

/** Arguments of {@link relayManager}. */
export interface RelayManagerArgs extends LocalReplyArgs {
  /** Name in statistics and in the access log. */
  readonly name: "agents" | "egress" | "otlp";
  /** `rds` or `route_config`. */
  readonly routes: Message;
  /** Filters in the order in which they see a request. The router is added at the end. */
  readonly filters: readonly Message[];
  /** Longest time to receive a whole request. Default {@link REQUEST_SECONDS}. */
  readonly requestSeconds?: number;
  /** Access loggers besides the one on standard output. Default none. */
  readonly loggers?: readonly Message[];
}

/** An HTTP connection manager that adds no headers to requests or responses and does not buffer them. */
export function relayManager(args: RelayManagerArgs): Message {
  return httpConnectionManager({
    stat_prefix: args.name,
    ...args.routes,
    http_filters: [...args.filters, router()],
    access_log: [httpAccessLog(args.name), ...(args.loggers ?? [])],
    local_reply_config: localReplyConfig(args),
    server_header_transformation: "PASS_THROUGH",
    generate_request_id: false,
    preserve_external_request_id: true,
    http_protocol_options: preserveCase(),
    // Routes match the path in the form in which the upstream would understand it.
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: "REJECT_REQUEST",
    stream_idle_timeout: seconds(STREAM_IDLE_SECONDS),
    request_headers_timeout: seconds(HEADERS_SECONDS),
    request_timeout: seconds(args.requestSeconds ?? REQUEST_SECONDS),
    delayed_close_timeout: seconds(LINGER_SECONDS),
  });
}

/** An HTTP/1.1 connection manager as a network filter. It takes the peer's address from the connection. */
export function httpConnectionManager(fields: Message): Message {
  return extension(
    "envoy.filters.network.http_connection_manager",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    {
      codec_type: "HTTP1",
      common_http_protocol_options: { idle_timeout: seconds(UNUSED_CONNECTION_SECONDS) },
      ...fields,
    },
  );
}

/** The last HTTP filter. */
export function router(): Message {
  return extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {
    suppress_envoy_headers: true,
  });
}

/** Options of HTTP/1.1 that keep the letter case of header names and the reason phrase. */
export function preserveCase(): Message {
  return {
    header_key_format: {
      stateful_formatter: extension(
        "envoy.http.stateful_header_formatters.preserve_case",
        "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
        { forward_reason_phrase: true },
      ),
    },
  };
}
