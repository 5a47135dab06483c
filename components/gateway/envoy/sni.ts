import { sniAccessLog } from "./access-log.ts";
import { CONNECTION_BUFFER_BYTES } from "./limits.ts";
import { ports } from "../../kubernetes/ports.ts";
import { extension, type Message, seconds, socketAddress } from "./proto.ts";
import { HEADERS_SECONDS, STREAM_IDLE_SECONDS } from "./timeouts.ts";

/**
 * Passes TLS on by the server name (SNI) that the client asks for. Each name has a filter chain and a cluster of its own,
 * so nothing that the client sends is used as an address. Envoy closes a connection whose name has no chain.
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
    // On the listener, so that Envoy also logs names that it refuses.
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
