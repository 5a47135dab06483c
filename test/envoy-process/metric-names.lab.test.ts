import { afterAll, beforeAll, expect, test } from "vitest";
import { extension } from "../../components/gateway/envoy/proto.ts";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { panels } from "../../components/usage/telemetry/dashboard.ts";
import { alerts } from "../../stacks/telemetry-files.ts";
import { send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  const otlp = { ...collectorOf("https://otlp.example.com"), headerNames: [] };
  const files = rendered({ ...terminate, otlp });
  envoy = await Envoy.start({
    ...files,
    config: withRateLimit(files.config),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
});

afterAll(async () => {
  await envoy.stop();
  await upstream.stop();
});

/** A script with the meter's statistics. */
const meter = extension("meter", "envoy.extensions.filters.http.lua.v3.Lua", {
  default_source_code: { inline_string: "function envoy_on_request(handle) end" },
  stat_prefix: "meter",
});

/** The files with a rate-limit filter, after the agent was found, whose service cannot be reached: Envoy counts that. */
function withRateLimit(config: Readonly<Record<string, string>>): Record<string, string> {
  const filter = extension(
    "envoy.filters.http.ratelimit",
    "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    {
      domain: "agents",
      rate_limits: [{ actions: [{ generic_key: { descriptor_value: "x" } }] }],
      rate_limit_service: {
        transport_api_version: "V3",
        grpc_service: { envoy_grpc: { cluster_name: "otlp" } },
      },
    },
  );
  return Object.fromEntries(
    Object.entries(config).map(([name, text]) => [
      name,
      JSON.stringify(
        JSON.parse(text, (_key, value: unknown) => {
          const manager = value as { stat_prefix?: string; http_filters?: unknown[] } | null;
          return manager?.stat_prefix === "agents" && manager.http_filters
            ? {
                ...manager,
                http_filters: manager.http_filters.flatMap((each, i) =>
                  i === 0 ? [each, meter, filter] : [each],
                ),
              }
            : value;
        }),
      ),
    ]),
  );
}

/** The names of Envoy's metrics in a query, without those that Prometheus itself makes. */
function names(expr: string): string[] {
  return [...expr.matchAll(/\b(envoy_[a-z0-9_]+)\{/g)].map(([, name = ""]) => name);
}

const used = new Set(
  [...Object.values(alerts).flat(), ...panels.flatMap(({ queries }) => queries)].flatMap(
    ({ expr }) => names(expr),
  ),
);

test("every metric of Envoy that the alerts and the dashboard use is one that Envoy has", async () => {
  expect(used.size).toBe(21);
  await send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]] });
  await eventually(
    async () => {
      const { text } = await envoy.admin("/stats/prometheus");
      const exposed = new Set(text.split("\n").map((line) => /^\w+/.exec(line)?.[0] ?? ""));
      return [...used].filter((name) => !exposed.has(name));
    },
    (missing) => missing.length === 0,
  );
});
