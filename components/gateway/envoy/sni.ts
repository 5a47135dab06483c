import { sniAccessLog } from "./access-log.ts";
import { CONNECTION_BUFFER_BYTES } from "./limits.ts";
import { ports } from "../../kubernetes/ports.ts";
import { extension, type Message, seconds, socketAddress } from "./proto.ts";
import { HEADERS_SECONDS, STREAM_IDLE_SECONDS } from "./timeouts.ts";

/**
 * Passes TLS on by the server name that the client asks for, one chain and one cluster a name: nothing that
 * the client sends becomes an address. A name without a chain ends the connection.
 */
export function sniListener(hosts: readonly string[]): Message {
  return {
    name: "sni",
    address: socketAddress("0.0.0.0", ports.sni),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    listener_filters: [
      extension(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
      ),
    ],
    listener_filters_timeout: seconds(HEADERS_SECONDS),
    // On the listener, so that a refused name is logged too.
    access_log: [sniAccessLog()],
    filter_chains: hosts.map(filterChain),
  };
}

function filterChain(host: string): Message {
  return {
    name: host,
    filter_chain_match: { server_names: [host], transport_protocol: "tls" },
    filters: [
      extension(
        "envoy.filters.network.tcp_proxy",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        { stat_prefix: "sni", cluster: host, idle_timeout: seconds(STREAM_IDLE_SECONDS) },
      ),
    ],
  };
}
