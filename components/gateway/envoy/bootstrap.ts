import type { EnvoyConfigArgs } from "./args.ts";
import { adminCluster } from "./clusters.ts";
import { servesHttp, upstreamOf } from "../paths/variant.ts";
import { HEAP_SHARE_OF_REFUSAL, MAX_CONNECTIONS, memoryMiB } from "./limits.ts";
import { healthListener } from "./listeners.ts";
import { ports } from "../../kubernetes/ports.ts";
import { extension, type Message, socketAddress } from "./proto.ts";
import { fileNames, fileSource } from "./volumes.ts";

/** What Envoy reads at its start. It watches the other files, which may change while it runs. */
export function bootstrap(args: EnvoyConfigArgs): Message {
  return {
    // Without a node, Envoy does not read secrets from files.
    node: { id: "gateway", cluster: "gateway" },
    admin: { address: socketAddress("127.0.0.1", ports.admin) },
    dynamic_resources: {
      lds_config: fileSource("config", fileNames.listeners),
      cds_config: fileSource("config", fileNames.clusters),
    },
    static_resources: { listeners: [healthListener()], clusters: [adminCluster()] },
    ...patternLimit(args),
    overload_manager: overloadManager(
      args.heapLimitBytes ?? memoryMiB(args.variant).heap * 1024 * 1024,
    ),
    application_log_config: {
      log_format: {
        json_format: { time: "%Y-%m-%dT%T.%e%z", level: "%l", logger: "%n", message: "%j" },
      },
    },
  };
}

/** Envoy's own limit is 100; the pattern of a route with a project and a region has 160 at most. */
const MAX_PATTERN_SIZE = 1000;

/** Allows the patterns of the routes, where a provider's routes have some. */
function patternLimit({ variant, routes = [] }: EnvoyConfigArgs): Message {
  const open = servesHttp(variant) ? upstreamOf(variant).endpoints(routes) : [];
  if (!open.some(({ pattern }) => pattern === true)) return {};
  return {
    layered_runtime: {
      layers: [
        {
          name: "patterns",
          static_layer: { "re2.max_program_size.error_level": MAX_PATTERN_SIZE },
        },
      ],
    },
  };
}

/** Refuses requests, with an error in Anthropic's shape, shortly before the kernel would kill the pod. */
function overloadManager(heapLimitBytes: number): Message {
  return {
    refresh_interval: "0.25s",
    resource_monitors: [
      extension(
        "envoy.resource_monitors.fixed_heap",
        "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        { max_heap_size_bytes: heapLimitBytes },
      ),
      extension(
        "envoy.resource_monitors.global_downstream_max_connections",
        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        { max_active_downstream_connections: MAX_CONNECTIONS },
      ),
    ],
    actions: [
      heapAction("envoy.overload_actions.shrink_heap", 0.9),
      heapAction("envoy.overload_actions.stop_accepting_requests", HEAP_SHARE_OF_REFUSAL),
    ],
  };
}

function heapAction(name: string, share: number): Message {
  return {
    name,
    triggers: [{ name: "envoy.resource_monitors.fixed_heap", threshold: { value: share } }],
  };
}
