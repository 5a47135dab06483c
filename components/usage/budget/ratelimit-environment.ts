/** Arguments of {@link ratelimitEnvironment}. */
export interface RatelimitEnvironmentArgs {
  /** `host:port` of Valkey. */
  readonly valkey: string;
  /** Folder that contains {@link LIMITS_FOLDER}. */
  readonly runtimePath: string;
  readonly ports: { readonly grpc: number; readonly health: number; readonly metrics: number };
}

/** Name of the folder with the limits. */
export const LIMITS_FOLDER = "limits";

/** Environment variables of the rate-limit service. https://github.com/envoyproxy/ratelimit/blob/main/src/settings/settings.go */
export function ratelimitEnvironment(args: RatelimitEnvironmentArgs): Record<string, string> {
  const { valkey, runtimePath, ports } = args;
  return {
    LOG_LEVEL: "WARN",
    LOG_FORMAT: "json",
    PORT: String(ports.health),
    GRPC_PORT: String(ports.grpc),
    // The debug port can change the log level and shows the limits.
    DEBUG_HOST: "127.0.0.1",
    // It watches the folder itself, where Kubernetes renames the link `..data`. It must not read what begins with a dot:
    // that is the same limits again, or a folder that is about to be deleted.
    RUNTIME_ROOT: runtimePath,
    RUNTIME_APPDIRECTORY: LIMITS_FOLDER,
    RUNTIME_WATCH_ROOT: "false",
    RUNTIME_IGNOREDOTFILES: "true",
    REDIS_SOCKET_TYPE: "tcp",
    REDIS_URL: valkey,
    REDIS_POOL_SIZE: "1",
    // Below Envoy's timeout, so that Envoy gets the error.
    REDIS_TIMEOUT: "1s",
    // The local cache would refuse an agent until the end of the window, even after its limit is raised.
    LOCAL_CACHE_SIZE_IN_BYTES: "0",
    // Headers by which Envoy learns which limit is reached, and until when. Envoy removes them from every answer.
    LIMIT_RESPONSE_HEADERS_ENABLED: "true",
    LIMIT_LIMIT_HEADER: limitHeaders.limit,
    LIMIT_REMAINING_HEADER: limitHeaders.remaining,
    LIMIT_RESET_HEADER: limitHeaders.resetSeconds,
    USE_STATSD: "false",
    USE_PROMETHEUS: "true",
    PROMETHEUS_ADDR: `:${ports.metrics}`,
  };
}

/**
 * Headers that the rate-limit service gives to Envoy. If limits are reached, they describe the last one in the request's
 * order. No answer of the API has a header of such a name.
 */
export const limitHeaders = {
  /** The limit, in charge units. */
  limit: "x-gateway-budget-limit",
  remaining: "x-gateway-budget-remaining",
  /** Seconds until the window ends. */
  resetSeconds: "x-gateway-budget-reset",
} as const;
