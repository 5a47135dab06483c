import { recordAccessLog } from "./access-log.ts";
import { findAgent } from "./agent.ts";
import { limitAgentRequests } from "./agent-requests.ts";
import { isMinted } from "../api/credentials.ts";
import { type ListenerName, listenersWith, upstreamOf } from "../paths/variant.ts";
import { type EnvoyConfigArgs, reachedHosts, tlsHosts } from "./args.ts";
import { budgetFilters } from "./budgets.ts";
import { clusterNames } from "./clusters.ts";
import { MAX_ERROR_BODY_BYTES, shimSource } from "../native-errors/filter.ts";
import {
  litellmToken,
  lua,
  realCredential,
  stripClientHeaders,
  stripTelemetryHeaders,
  stripLitellmResponseHeaders,
} from "./headers.ts";
import { CONNECTION_BUFFER_BYTES } from "./limits.ts";
import { httpConnectionManager, relayManager, router } from "./http-manager.ts";
import { meter } from "./metering.ts";
import { noCredential } from "./no-credential.ts";
import { ports } from "../../kubernetes/ports.ts";
import { type Message, socketAddress } from "./proto.ts";
import { otlpAccessLog } from "./otlp-log.ts";
import { OTLP_ROUTES } from "./otlp-routes.ts";
import { AGENT_ROUTES, EGRESS_ROUTES } from "./routes.ts";
import { serverFetchFilters } from "./server-fetch.ts";
import { sniListener } from "./sni.ts";
import { OTLP_REQUEST_SECONDS } from "./timeouts.ts";
import { fileNames, fileSource } from "./volumes.ts";

/** The listeners of a path, without the health listener. */
export function listeners(args: EnvoyConfigArgs): readonly Message[] {
  return [
    ...listenersWith(args.variant, reachedHosts(args)).map((name) => renderers[name](args)),
    ...(args.otlp === undefined ? [] : [otlpListener()]),
  ];
}

const renderers: Readonly<Record<ListenerName, (args: EnvoyConfigArgs) => Message>> = {
  agents: agentListener,
  egress: egressListener,
  sni: (args) => sniListener(tlsHosts(args), args.inspect),
};

/** The listener that agents call. */
function agentListener(args: EnvoyConfigArgs): Message {
  const listener = httpListener(
    "agents",
    ports.agents,
    relayManager({
      name: "agents",
      routes: {
        rds: {
          route_config_name: AGENT_ROUTES,
          config_source: fileSource("secrets", fileNames.routes),
        },
      },
      filters: [
        findAgent(),
        ...limitAgentRequests(),
        ...serverFetchFilters(args.serverFetch),
        meter(upstreamOf(args.variant).messagePaths),
        ...budgetFilters(args.budgets),
        stripClientHeaders(upstreamOf(args.variant).identityHeaders),
        ...(args.litellmHost === undefined
          ? realCredential(args.credentialKind)
          : litellmFilters()),
      ],
      withoutCredential:
        args.litellmHost === undefined ? withoutCredential(args, "agents") : undefined,
      loggers: [
        ...(args.record ? [recordAccessLog()] : []),
        ...(args.otlp === undefined
          ? []
          : [otlpAccessLog(args.otlp, upstreamOf(args.variant).telemetryName)]),
      ],
    }),
  );
  return args.litellmHost === undefined
    ? listener
    : // Envoy answers 500 to an error whose body exceeds this buffer; escapes can double a body's size.
      { ...listener, per_connection_buffer_limit_bytes: 2 * MAX_ERROR_BODY_BYTES };
}

/**
 * The listener for Claude Code's own telemetry. It is apart from the agents' listener, so that the real credential, the meter
 * and the budgets have nothing to do with what comes here.
 */
function otlpListener(): Message {
  return httpListener(
    "otlp",
    ports.otlp,
    relayManager({
      name: "otlp",
      routes: {
        rds: {
          route_config_name: OTLP_ROUTES,
          config_source: fileSource("secrets", fileNames.otlpRoutes),
        },
      },
      // A body that stalls must not keep its place among the receiver's requests.
      requestSeconds: OTLP_REQUEST_SECONDS,
      filters: [findAgent(), ...limitAgentRequests(), stripTelemetryHeaders()],
    }),
  );
}

/**
 * Filters where LiteLLM is the next hop. A response passes them from the last to the first, so the shim sees an error
 * before LiteLLM's headers are removed.
 */
function litellmFilters(): readonly Message[] {
  return [stripLitellmResponseHeaders(), lua("shim", shimSource()), litellmToken()];
}

/**
 * The listener through which LiteLLM calls the API. LiteLLM does not know the real credential: it shows a placeholder, by
 * which the routes recognise it, and Envoy replaces that.
 */
function egressListener(args: EnvoyConfigArgs): Message {
  return {
    ...httpListener(
      "egress",
      ports.egress,
      relayManager({
        name: "egress",
        routes: {
          rds: {
            route_config_name: EGRESS_ROUTES,
            config_source: fileSource("secrets", fileNames.egressRoutes),
          },
        },
        filters: [stripClientHeaders(), ...realCredential(args.credentialKind)],
        unknownCaller: "this is not LiteLLM's key",
        withoutCredential: withoutCredential(args, "egress"),
      }),
    ),
    // Agents that use up all connections must not block LiteLLM. It opens no more connections than agents have requests.
    ignore_global_conn_limit: true,
  };
}

/** When a listener has no credential for the API. Only a minted one can be missing. */
function withoutCredential(
  { credentialKind = "apiKey" }: EnvoyConfigArgs,
  listener: keyof typeof noCredential,
): Message | undefined {
  return isMinted(credentialKind) ? noCredential[listener] : undefined;
}

/** Serves two pages of the admin interface, which itself listens only on loopback. */
export function healthListener(): Message {
  return {
    ...httpListener(
      "health",
      ports.health,
      httpConnectionManager({
        stat_prefix: "health",
        route_config: {
          name: "health",
          virtual_hosts: [
            {
              name: "health",
              domains: ["*"],
              routes: ["/ready", "/stats/prometheus"].map((path) => ({
                match: { path, headers: [{ name: ":method", string_match: { exact: "GET" } }] },
                route: { cluster: clusterNames.admin },
              })),
            },
          ],
        },
        http_filters: [router()],
      }),
    ),
    // Probes must get through when agents have taken every connection.
    ignore_global_conn_limit: true,
  };
}

function httpListener(name: string, port: number, manager: Message): Message {
  return {
    name,
    address: socketAddress("0.0.0.0", port),
    per_connection_buffer_limit_bytes: CONNECTION_BUFFER_BYTES,
    filter_chains: [{ filters: [manager] }],
  };
}
