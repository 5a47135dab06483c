import { servesHttp, upstreamOf, type Variant } from "../paths/variant.ts";
import { type EnvoyConfigArgs, type OtlpArgs, tlsHosts, upstreamHost } from "./args.ts";
import { RATELIMIT_CLUSTER, RATELIMIT_PORT, ratelimitOptions } from "./budgets.ts";
import { otlpHeaders } from "./headers.ts";
import { preserveCase } from "./http-manager.ts";
import { circuitBreakers, CONNECTION_BUFFER_BYTES, MAX_OTLP_REQUESTS } from "./limits.ts";
import { ports } from "../../kubernetes/ports.ts";
import { extension, type Message, seconds, socketAddress, typed } from "./proto.ts";
import {
  CONNECT_SECONDS,
  DNS_TIMEOUT_SECONDS,
  DNS_TRIES,
  LITELLM_KEEPALIVE_SECONDS,
  UPSTREAM_KEEPALIVE_SECONDS,
} from "./timeouts.ts";
import { SYSTEM_CA_FILE } from "./volumes.ts";

/** Names of the clusters that are not named by their host. */
export const clusterNames = {
  litellm: "litellm",
  admin: "admin",
  otlp: "otlp",
} as const;

/** Name of the upstream's cluster: the provider's. */
export function upstreamCluster(variant: Variant): string {
  return upstreamOf(variant).name;
}

/** Envoy's own limit is 100; the API sends some 40. */
const MAX_RESPONSE_HEADERS = 10_000;

/** Envoy's own limit is 60. */
const MAX_RESPONSE_HEADERS_KB = 1024;

/** The clusters of a path. */
export function clusters(args: EnvoyConfigArgs): readonly Message[] {
  return [
    ...(servesHttp(args.variant)
      ? [apiCluster(upstreamCluster(args.variant), upstreamHost(args))]
      : []),
    ...(args.litellmHost === undefined ? [] : [litellmCluster(args.litellmHost)]),
    ...(args.budgets === undefined ? [] : [ratelimitCluster(args.budgets.host)]),
    ...tlsHosts(args).map(tunnelCluster),
    ...(args.otlp === undefined ? [] : [otlpCluster(args.otlp)]),
  ];
}

/** Envoy's own admin interface, for the health listener. */
export function adminCluster(): Message {
  return {
    name: clusterNames.admin,
    type: "STATIC",
    ...limited(),
    load_assignment: loadAssignment(clusterNames.admin, "127.0.0.1", ports.admin),
  };
}

/** The real API over TLS. Its certificate must be for exactly this host and signed by a system CA. */
function apiCluster(name: string, host: string): Message {
  return {
    ...dnsCluster(name, host, ports.https),
    ...http1(UPSTREAM_KEEPALIVE_SECONDS),
    transport_socket: tlsTo(host),
  };
}

/** The OTLP receiver: a host outside by TLS, or a Service in the cluster without. */
function otlpCluster({ host, port, namespace, headerNames }: OtlpArgs): Message {
  return {
    ...dnsCluster(clusterNames.otlp, host, port),
    ...http1(UPSTREAM_KEEPALIVE_SECONDS, [
      ...otlpHeaders(headerNames),
      extension(
        "envoy.filters.http.upstream_codec",
        "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
      ),
    ]),
    // Telemetry must not take what requests to the model need, and agents' telemetry not what the records need: its routes
    // have the other priority.
    circuit_breakers: {
      thresholds: ["DEFAULT", "HIGH"].map((priority) => ({
        priority,
        max_connections: MAX_OTLP_REQUESTS,
        max_pending_requests: MAX_OTLP_REQUESTS,
        max_requests: MAX_OTLP_REQUESTS,
      })),
    },
    ...(namespace === undefined && { transport_socket: tlsTo(host) }),
  };
}

/** TLS to a host whose certificate is for exactly this name and signed by a system CA. */
function tlsTo(host: string): Message {
  return extension(
    "envoy.transport_sockets.tls",
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    {
      sni: host,
      common_tls_context: {
        alpn_protocols: ["http/1.1"],
        tls_params: { tls_minimum_protocol_version: "TLSv1_2" },
        validation_context: {
          trusted_ca: { filename: SYSTEM_CA_FILE },
          match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: host } }],
        },
      },
    },
  );
}

function litellmCluster(host: string): Message {
  return {
    ...dnsCluster(clusterNames.litellm, host, ports.litellm),
    ...http1(LITELLM_KEEPALIVE_SECONDS),
  };
}

/** The rate-limit service, which is asked by gRPC. */
function ratelimitCluster(host: string): Message {
  return { ...dnsCluster(RATELIMIT_CLUSTER, host, RATELIMIT_PORT), ...ratelimitOptions() };
}

/** TLS passed on as it is, to the host that the client named. */
function tunnelCluster(host: string): Message {
  return dnsCluster(host, host, ports.https);
}

function dnsCluster(name: string, host: string, port: number): Message {
  return {
    name,
    // LOGICAL_DNS keeps connections when a CDN rotates its addresses.
    type: "LOGICAL_DNS",
    // A machine without an IPv6 route cannot use an IPv6 address.
    dns_lookup_family: "V4_PREFERRED",
    typed_dns_resolver_config: extension(
      "envoy.network.dns_resolver.cares",
      "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
      {
        // With the pod's search list, Envoy would look up HOST.<namespace>.svc.cluster.local first.
        dns_resolver_options: { no_default_search_domain: true },
        // Envoy becomes ready only when every look-up has ended, with an answer or without.
        query_timeout_seconds: DNS_TIMEOUT_SECONDS,
        query_tries: DNS_TRIES,
      },
    ),
    ...limited(),
    // A NAT drops a silent connection before our idle timeout ends.
    upstream_connection_options: {
      tcp_keepalive: { keepalive_time: 60, keepalive_interval: 30, keepalive_probes: 5 },
    },
    load_assignment: loadAssignment(name, host, port),
  };
}

/** Limits of every cluster: time to connect, connections, requests, and memory for each connection. */
function limited(): Message {
  return {
    connect_timeout: seconds(CONNECT_SECONDS),
    circuit_breakers: circuitBreakers(),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
  };
}

/** HTTP/1.1 to a next hop. The filters, if there are any, end with the codec. */
function http1(keepaliveSeconds: number, filters: readonly Message[] = []): Message {
  return {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        {
          common_http_protocol_options: {
            idle_timeout: seconds(keepaliveSeconds),
            // An answer that arrives is already paid for, so Envoy must not refuse it because of its headers.
            max_headers_count: MAX_RESPONSE_HEADERS,
            max_response_headers_kb: MAX_RESPONSE_HEADERS_KB,
          },
          explicit_http_config: { http_protocol_options: preserveCase() },
          ...(filters.length > 0 && { http_filters: filters }),
        },
      ),
    },
  };
}

function loadAssignment(name: string, host: string, port: number): Message {
  return {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(host, port) } }] }],
  };
}
