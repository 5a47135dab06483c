import { isMetered, type Variant } from "../paths/variant.ts";
import type { Message } from "./proto.ts";

/**
 * How much Envoy buffers on each side of a stream while the other side is slower: one TLS record. A stream whose client
 * never reads then takes 116 KiB of Envoy's heap, and one whose client reads takes 67 KiB (measured on 1.39.1).
 */
export const CONNECTION_BUFFER_BYTES = 16 * 1024;

/** Most connections from agents at a time. Envoy closes any further connection as soon as it has accepted it. */
export const MAX_CONNECTIONS = 4096;

/**
 * Most requests to a next hop at a time. Envoy answers 503 to any further request at once. The limit is below
 * {@link MAX_CONNECTIONS}, so that a connection is left for that answer. Even if no client ever reads, 3,072 ×
 * 116 KiB = 348 MiB stay below the 440 MiB of heap at which Envoy refuses every request, see {@link memoryMiB}.
 */
export const MAX_REQUESTS = 3072;

/**
 * Most requests of one agent at a time, unless `agents[].maxRequests` says otherwise. Envoy answers 429 to any further request.
 * Twelve agents at their limit stay within {@link MAX_REQUESTS}. An agent may also begin as many requests a second, which is
 * 15,360 a minute; faster ones wait. Anthropic's API allows less by far (https://docs.claude.com/en/api/rate-limits).
 */
export const MAX_AGENT_REQUESTS = 256;

/**
 * Most requests to the OTLP receiver at a time, of agents' telemetry and of batches of records each. Further ones are lost.
 * Both together stay below `agentConnections.perAddress`, because a receiver in the cluster may have a port that is limited.
 */
export const MAX_OTLP_REQUESTS = 50;

/** Largest body of agents' telemetry. */
export const MAX_OTLP_BYTES = 4 * 1024 * 1024;

/** Above this share of the heap, Envoy refuses every request. */
export const HEAP_SHARE_OF_REFUSAL = 0.95;

/**
 * Envoy's heap and its pod's memory limit, in MiB. With LiteLLM in the path, each request is two streams in Envoy, and the
 * agents' listener has a larger buffer: 272 KiB if the client never reads, 138 KiB if it reads (LiteLLM 1.110.2, Envoy
 * 1.40.0). 3,072 such requests take 816 MiB, below the 972 MiB at which Envoy refuses every request.
 *
 * On such a path LiteLLM reaches its limit first: it takes about 360 MiB, 140 KiB more for each request, and every byte of
 * an answer until the answer ends. With 3,072 requests, its 1,536 MiB leave 0.25 MiB for each answer.
 *
 * To refuse a server fetch, each of two workers keeps a text of 32 MiB in Lua, and copies it into the heap for a moment.
 */
export function memoryMiB(variant: Variant): { heap: number; pod: number } {
  if (variant.litellm === "behind-envoy") return { heap: 1024, pod: 1280 };
  return isMetered(variant) ? { heap: 464, pod: 640 } : { heap: 400, pod: 512 };
}

/**
 * Most connections to a next hop at a time. Above this limit a request would wait silently, so the limit must be higher
 * than {@link MAX_REQUESTS} can need: a worker thread cannot use the idle connections of another one.
 */
const MAX_UPSTREAM_CONNECTIONS = 2 * MAX_CONNECTIONS;

/** Limits of a cluster. Envoy's defaults are 1,024 connections, requests and pending requests, and 3 retries. */
export function circuitBreakers(): Message {
  return {
    thresholds: [
      {
        max_connections: MAX_UPSTREAM_CONNECTIONS,
        // A request is pending while its connection is set up.
        max_pending_requests: MAX_REQUESTS,
        max_requests: MAX_REQUESTS,
        // Envoy retries only failed connections, never a request that was sent.
        max_retries: MAX_REQUESTS,
      },
    ],
  };
}
