import { LEAF_SECRET } from "../../inspect/place.ts";
import type { InspectedHost } from "../../inspect/rules.ts";
import { inspectAccessLog } from "../access-log.ts";
import { hostCredential, stripHostHeaders } from "../headers.ts";
import { httpConnectionManager, preserveCase, router } from "../http-manager.ts";
import { extension, type Message, seconds } from "../proto.ts";
import { HEADERS_SECONDS, LINGER_SECONDS, STREAM_IDLE_SECONDS } from "../timeouts.ts";
import { fileSource, hostRoutesFile, leafSource } from "../volumes.ts";
import { findAgentOf } from "./agent.ts";
import { hostReplies } from "./replies.ts";
import { hostRoutesName } from "./routes.ts";

/** The chain of the TLS listener for an inspected host: TLS ends here, and each request is checked by the host's rules. */
export function inspectingChain(inspected: InspectedHost): Message {
  const { host, credential } = inspected;
  return {
    name: host,
    filter_chain_match: { server_names: [host], transport_protocol: "tls" },
    transport_socket: extension(
      "envoy.transport_sockets.tls",
      "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      {
        common_tls_context: {
          // No HTTP/2: there, Envoy ends a refused upload with a reset, as RFC 9113 (8.1) lets it, and curl and Git then show
          // the reset instead of the refusal (curl 7.88). https://github.com/envoyproxy/envoy/issues/36200
          alpn_protocols: ["http/1.1"],
          tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
          tls_certificate_sds_secret_configs: [{ name: LEAF_SECRET, sds_config: leafSource() }],
        },
      },
    ),
    transport_socket_connect_timeout: seconds(HEADERS_SECONDS),
    filters: [
      httpConnectionManager({
        stat_prefix: "inspect",
        rds: {
          route_config_name: hostRoutesName(host),
          config_source: fileSource("secrets", hostRoutesFile(host)),
        },
        http_filters: [
          findAgentOf(inspected),
          stripHostHeaders(inspected),
          ...(credential === undefined ? [] : [hostCredential(credential)]),
          router(),
        ],
        access_log: [inspectAccessLog(host)],
        local_reply_config: hostReplies(inspected),
        server_header_transformation: "PASS_THROUGH",
        generate_request_id: false,
        preserve_external_request_id: true,
        http_protocol_options: preserveCase(),
        // The rules match the path as it is sent on, and a path that servers read in several ways is refused.
        normalize_path: false,
        merge_slashes: false,
        path_with_escaped_slashes_action: "KEEP_UNCHANGED",
        stream_idle_timeout: seconds(STREAM_IDLE_SECONDS),
        request_headers_timeout: seconds(HEADERS_SECONDS),
        // A push of a large repository may take long, so only a time without bytes ends it.
        request_timeout: seconds(0),
        delayed_close_timeout: seconds(LINGER_SECONDS),
      }),
    ],
  };
}
