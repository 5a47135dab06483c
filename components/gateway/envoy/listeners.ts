import { findAgent } from "./agent.ts";
import type { EnvoyConfigArgs, HttpPathArgs, ShimArgs, HybridArgs } from "./args.ts";
import { clusterNames } from "./clusters.ts";
import { MAX_ERROR_BODY_BYTES, shimSource } from "../shim/filter.ts";
import {
  addOauthBeta,
  injectCredential,
  lua,
  stripClientHeaders,
  stripLitellmRequestHeaders,
  stripLitellmResponseHeaders,
} from "./headers.ts";
import { CONNECTION_BUFFER_BYTES } from "./limits.ts";
import { httpConnectionManager, relayManager, router } from "./http-manager.ts";
import { ports } from "./ports.ts";
import { type Message, socketAddress } from "./proto.ts";
import { AGENT_ROUTES, egressRoutes } from "./routes.ts";
import { sniListener } from "./sni.ts";
import { fileNames, fileSource } from "./volumes.ts";

/** The listeners of a path, the health listener aside. */
export function listeners(args: EnvoyConfigArgs): readonly Message[] {
  switch (args.path) {
    case "envoy-terminate":
      return [agentListener(args)];
    case "shim":
      return [agentListener(args), egressListener(args)];
    case "hybrid":
      return [agentListener(args), egressListener(args), sniListener(args)];
    case "envoy-sni":
      return [sniListener(args)];
  }
}

/** Where agents come in. */
function agentListener(args: HttpPathArgs): Message {
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
        stripClientHeaders(),
        ...(args.path === "envoy-terminate"
          ? terminateFilters(args.credentialKind)
          : shimFilters()),
      ],
    }),
  );
  return args.path === "envoy-terminate"
    ? listener
    : // Over this, Envoy answers 500 instead of waiting for an error's body, which may double by its escapes.
      { ...listener, per_connection_buffer_limit_bytes: 2 * MAX_ERROR_BODY_BYTES };
}

function terminateFilters(kind: HttpPathArgs["credentialKind"]): readonly Message[] {
  return kind === "apiKey"
    ? [injectCredential("x-api-key")]
    : [addOauthBeta(), injectCredential("authorization")];
}

/** A response meets the filters from the last to the first: errors are unwrapped with LiteLLM's headers still on. */
function shimFilters(): readonly Message[] {
  return [
    stripLitellmResponseHeaders(),
    lua("shim", shimSource()),
    injectCredential("authorization"),
  ];
}

/** Where LiteLLM, which holds the real credential, goes out. */
function egressListener(args: ShimArgs | HybridArgs): Message {
  return {
    ...httpListener(
      "egress",
      ports.egress,
      relayManager({
        name: "egress",
        routes: { route_config: egressRoutes(args) },
        filters: [
          stripLitellmRequestHeaders(args.credentialKind),
          ...(args.credentialKind === "oauth" ? [addOauthBeta()] : []),
        ],
      }),
    ),
    // Agents that take every connection must not cut off what LiteLLM does for them; its own are bounded by theirs.
    ignore_global_conn_limit: true,
  };
}

/** Shows two pages of the admin interface, which itself listens on loopback alone. */
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
