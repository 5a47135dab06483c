import { expect, test } from "vitest";
import {
  agentEnvironment,
  gatewayToken,
  ownCredential,
} from "../../../../components/agents/environment.ts";

const quiet = [
  { name: "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", value: "1" },
  { name: "CLAUDE_CODE_AUTO_MODE_SERVER", value: "0" },
  { name: "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", value: "1" },
  { name: "CLAUDE_CODE_DISABLE_ARTIFACT", value: "1" },
  { name: "DISABLE_UPDATES", value: "1" },
  { name: "ENABLE_CLAUDEAI_MCP_SERVERS", value: "false" },
];
const sniUrl = "https://api.anthropic.com";

test("an agent sends its token to the gateway", () => {
  const baseUrl = "http://gateway.llm.svc.cluster.local:8080/anthropic";
  expect(agentEnvironment({ baseUrl, secret: gatewayToken })).toEqual([
    { name: "ANTHROPIC_BASE_URL", value: baseUrl },
    {
      name: "ANTHROPIC_AUTH_TOKEN",
      valueFrom: { secretKeyRef: { name: "gateway-token", key: "token" } },
    },
    ...quiet,
  ]);
});

test("an agent sends Claude Code's telemetry with its token, which an earlier variable has", () => {
  const env = agentEnvironment({
    baseUrl: "http://gateway.llm.svc.cluster.local:8080/anthropic",
    secret: gatewayToken,
    otlpUrl: "http://gateway.llm.svc.cluster.local:4318",
  });
  expect(env.slice(8)).toEqual([
    { name: "CLAUDE_CODE_ENABLE_TELEMETRY", value: "1" },
    { name: "OTEL_METRICS_EXPORTER", value: "otlp" },
    { name: "OTEL_LOGS_EXPORTER", value: "otlp" },
    { name: "OTEL_EXPORTER_OTLP_PROTOCOL", value: "http/protobuf" },
    {
      name: "OTEL_EXPORTER_OTLP_ENDPOINT",
      value: "http://gateway.llm.svc.cluster.local:4318",
    },
    {
      name: "OTEL_EXPORTER_OTLP_HEADERS",
      value: "x-api-key=$(ANTHROPIC_AUTH_TOKEN)",
    },
    { name: "OTEL_METRIC_EXPORT_INTERVAL", value: "5000" },
    { name: "OTEL_LOGS_EXPORT_INTERVAL", value: "5000" },
  ]);
  const names = env.map(({ name }) => name);
  expect(names.indexOf("ANTHROPIC_AUTH_TOKEN")).toBeLessThan(
    names.indexOf("OTEL_EXPORTER_OTLP_HEADERS"),
  );
});

test.each([
  ["apiKey", "ANTHROPIC_API_KEY"],
  ["oauth", "CLAUDE_CODE_OAUTH_TOKEN"],
] as const)(
  "an agent with a credential of kind %s has it in %s, and no token",
  (kind, variable) => {
    expect(agentEnvironment({ baseUrl: sniUrl, secret: ownCredential(kind) })).toEqual([
      { name: "ANTHROPIC_BASE_URL", value: sniUrl },
      {
        name: variable,
        valueFrom: { secretKeyRef: { name: "anthropic-credential", key: "credential" } },
      },
      ...quiet,
    ]);
  },
);

test("an agent whose workload brings its own credential gets none", () => {
  expect(agentEnvironment({ baseUrl: sniUrl })).toEqual([
    { name: "ANTHROPIC_BASE_URL", value: sniUrl },
    ...quiet,
  ]);
});
