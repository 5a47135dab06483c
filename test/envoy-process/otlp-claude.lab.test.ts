import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentEnvironment, gatewayToken } from "../../components/agents/environment.ts";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { type FakeAnthropic, startFakeAnthropic } from "../lab/anthropic/server.ts";
import { Receiver } from "../lab/otlp/receiver.ts";
import { claudeCodeProgram } from "../lab/parts/claude-code.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, REAL_KEY, rendered, secrets, terminate, TOKEN_A } from "./gateways.ts";

const HOST = "collector.observability.svc.cluster.local";
const args: EnvoyConfigArgs = {
  ...terminate,
  otlp: { ...collectorOf(`http://${HOST}:4318`), headerNames: ["x-api-key"] },
};

let api: FakeAnthropic;
let envoy: Envoy;
let server: http.Server;
let home: string;
const receiver = new Receiver();

beforeAll(async () => {
  const { certFile, keyFile } = await certificateFor("api.anthropic.com");
  const identity = {
    cert: await readFile(certFile, "utf8"),
    key: await readFile(keyFile, "utf8"),
  };
  api = await startFakeAnthropic({
    tls: [{ host: "127.0.0.1", port: 0 }],
    identities: [identity],
    credentials: [REAL_KEY],
  });
  server = http.createServer(receiver.serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  envoy = await Envoy.start({
    ...rendered(args, secrets),
    hosts: {
      "api.anthropic.com:443": api.tls[0]?.port ?? 1,
      [`${HOST}:4318`]: (server.address() as AddressInfo).port,
    },
  });
  home = await mkdtemp(join(tmpdir(), "claude-"));
});

afterAll(async () => {
  await envoy.stop();
  await api.close();
  server.close();
  await rm(home, { recursive: true, force: true });
});

/** The environment as Kubernetes makes it: the Secret's value, then the variables that contain it. */
function environment(): Record<string, string> {
  const variables = agentEnvironment({
    baseUrl: `http://127.0.0.1:${envoy.ports.agents}/anthropic`,
    secret: gatewayToken,
    otlpUrl: `http://127.0.0.1:${envoy.ports.otlp}`,
  });
  const token = `$(${gatewayToken.variable})`;
  return Object.fromEntries(
    variables.map((each) => [
      each.name,
      "value" in each ? each.value.replace(token, TOKEN_A) : TOKEN_A,
    ]),
  );
}

test("the real Claude Code's telemetry of a short run arrives, beside the gateway's record of it", async () => {
  const { stdout } = await promisify(execFile)(
    await claudeCodeProgram(),
    ["-p", "hello", "--output-format", "json"],
    {
      cwd: home,
      env: {
        ...environment(),
        ...{ HOME: home, PATH: process.env.PATH, NO_PROXY: "127.0.0.1" },
        // Nothing but the gateway is to be reached.
        HTTPS_PROXY: "http://127.0.0.1:1",
      },
    },
  );
  const { session_id: session, usage } = JSON.parse(stdout) as {
    session_id: string;
    usage: { input_tokens: number; output_tokens: number };
  };

  const items = () => receiver.exports.flatMap(({ items }) => items);
  await eventually(
    () => Promise.resolve(items()),
    (all) => all.some(({ resource }) => resource["service.name"] === "claude-gateway"),
  );
  const own = receiver.exports.filter(({ headers }) => "x-claude-gateway-agent" in headers);
  expect(new Set(own.map(({ path }) => path))).toEqual(new Set(["/v1/metrics", "/v1/logs"]));
  for (const { headers } of own) {
    expect(headers).toMatchObject({
      "x-claude-gateway-agent": "dev-e",
      "x-api-key": "receivers-key",
    });
    expect(headers.authorization).toBeUndefined();
  }
  const tokens = items()
    .filter(({ name }) => name === "claude_code.token.usage")
    .flatMap(({ attributes }) => attributes)
    .filter(({ "session.id": id }) => id === session);
  const sum = (type: string) =>
    tokens
      .filter((point) => point.type === type)
      .reduce((all, { value }) => all + Number(value), 0);
  expect([sum("input"), sum("output")]).toEqual([usage.input_tokens, usage.output_tokens]);
  const events = items().filter(
    ({ signal, resource }) => signal === "logs" && resource["service.name"] === "claude-code",
  );
  expect(events.map(({ name }) => name)).toContain("claude_code.api_request");
  expect(JSON.stringify(receiver.exports)).not.toMatch(new RegExp(`${REAL_KEY}|${TOKEN_A}`));
});
