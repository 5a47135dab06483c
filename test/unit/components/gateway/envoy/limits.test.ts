import { expect, test } from "vitest";
import { MAX_REQUEST_BYTES } from "../../../../../components/gateway/api/endpoints.ts";
import type { EnvoyConfigArgs } from "../../../../../components/gateway/envoy/args.ts";
import { clusters } from "../../../../../components/gateway/envoy/clusters.ts";
import { listeners } from "../../../../../components/gateway/envoy/listeners.ts";
import {
  HEAP_SHARE_OF_REFUSAL,
  MAX_CONNECTIONS,
  MAX_REQUESTS,
  memoryMiB,
} from "../../../../../components/gateway/envoy/limits.ts";
import {
  DNS_START_SECONDS,
  STARTUP_PROBE_SECONDS,
} from "../../../../../components/gateway/envoy/timeouts.ts";
import { envoySni } from "../../../../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate } from "../../../../../components/gateway/paths/envoy-terminate.ts";
import { hybrid as hybridVariant } from "../../../../../components/gateway/paths/hybrid.ts";
import { shim } from "../../../../../components/gateway/paths/shim.ts";

const hybrid: EnvoyConfigArgs = {
  variant: hybridVariant,
  credentialKind: "apiKey",
  litellmHost: "litellm.ns.svc",
  allowHosts: ["github.com"],
};
const sni: EnvoyConfigArgs = { variant: envoySni, allowHosts: [] };

test("Envoy is ready before its pod would be restarted, even if DNS does not answer", () => {
  expect(DNS_START_SECONDS).toBe(12);
  expect(DNS_START_SECONDS).toBeLessThan(STARTUP_PROBE_SECONDS);
});

test("Envoy has connections left to send refusals, and no request waits for an upstream connection", () => {
  expect(MAX_REQUESTS).toBeLessThan(MAX_CONNECTIONS);
  for (const args of [hybrid, sni]) {
    for (const cluster of clusters(args)) {
      expect(cluster.circuit_breakers).toEqual({
        thresholds: [
          {
            max_connections: 8192,
            max_pending_requests: 3072,
            max_requests: 3072,
            max_retries: 3072,
          },
        ],
      });
    }
  }
});

test("every listener and every cluster limits a connection's buffer", () => {
  const bounded = [hybrid, sni].flatMap((args) => [...listeners(args), ...clusters(args)]);
  expect(
    bounded.map(({ name, per_connection_buffer_limit_bytes: bytes }) => [name, bytes]),
  ).toEqual([
    // There, LiteLLM's errors are buffered completely.
    ["agents", 65_536],
    ["egress", 16_384],
    ["sni", 16_384],
    ["anthropic", 16_384],
    ["litellm", 16_384],
    ["github.com", 16_384],
    ["sni", 16_384],
    ["api.anthropic.com", 16_384],
  ]);
});

test.each([
  { variant: envoyTerminate, eachKiB: 116 },
  { variant: shim, eachKiB: 272 },
  { variant: hybridVariant, eachKiB: 272 },
])(
  "$variant.name: the maximum number of requests fits the heap even if no client reads and both workers refuse a server fetch",
  ({ variant, eachKiB }) => {
    const { heap, pod } = memoryMiB(variant);
    const refusals = (2 * MAX_REQUEST_BYTES) / 1024 / 1024;
    expect((MAX_REQUESTS * eachKiB) / 1024 + refusals).toBeLessThan(HEAP_SHARE_OF_REFUSAL * heap);
    // Memory besides the heap: code, threads and Lua.
    expect(pod - heap).toBeGreaterThanOrEqual(112 + refusals);
  },
);
