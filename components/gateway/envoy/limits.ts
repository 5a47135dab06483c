import type { Variant } from "../paths/variant.ts";
import type { Message } from "./proto.ts";

/**
 * What Envoy reads ahead of whoever is slower, on each side of a stream: one record of TLS. With it a stream whose
 * client never reads takes 116 KiB of Envoy's heap, and one that flows 67 KiB (measured on 1.39.1).
 */
export const CONNECTION_BUFFER_BYTES = 16 * 1024;

/** Connections from agents at once; one more is closed as soon as it is accepted. */
export const MAX_CONNECTIONS = 4096;

/**
 * Requests at once to a next hop; one more is answered 503 at once. Fewer than {@link MAX_CONNECTIONS}, so that
 * there is a connection left on which to say so, and so few that all may be of clients that never read: 3,072 ×
 * 116 KiB = 348 MiB, below the 380 MiB of heap at which Envoy refuses everybody, see {@link memoryMiB}.
 */
export const MAX_REQUESTS = 3072;

/** The share of the heap from which on Envoy refuses every request. */
export const HEAP_SHARE_OF_REFUSAL = 0.95;

/**
 * Envoy's heap and its pod's limit, in MiB. Where LiteLLM is, a request is two streams of Envoy's, and the agents' side
 * has the larger buffer of its listener: 272 KiB if the client never reads, 138 KiB if it flows (LiteLLM 1.110.2, Envoy
 * 1.40.0). 3,072 of them take 816 MiB, below the 912 MiB at which Envoy refuses everybody.
 *
 * LiteLLM bounds such a path before: it takes some 360 MiB, 140 KiB more for each request, and every byte of an answer
 * until the answer's end. Of its 1,536 MiB, 3,072 requests leave each a quarter of a MiB for that.
 */
export function memoryMiB({ litellm }: Variant): { heap: number; pod: number } {
  return litellm === "behind-envoy" ? { heap: 960, pod: 1152 } : { heap: 400, pod: 512 };
}

/**
 * Connections at once to a next hop. Above it Envoy would hold a request back without a word, so it must be more
 * than MAX_REQUESTS can need: a worker does not use what another one keeps idle.
 */
const MAX_UPSTREAM_CONNECTIONS = 2 * MAX_CONNECTIONS;

/** Limits of a cluster. Envoy's own would be 1,024 connections, requests and waiting requests, and 3 retries. */
export function circuitBreakers(): Message {
  return {
    thresholds: [
      {
        max_connections: MAX_UPSTREAM_CONNECTIONS,
        // A request waits for as long as its connection is being made.
        max_pending_requests: MAX_REQUESTS,
        max_requests: MAX_REQUESTS,
        // Of connections that could not be made; no request is retried.
        max_retries: MAX_REQUESTS,
      },
    ],
  };
}
