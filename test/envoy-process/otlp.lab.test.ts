import { once } from "node:events";
import { readFile } from "node:fs/promises";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { MAX_OTLP_BYTES, MAX_OTLP_REQUESTS } from "../../components/gateway/envoy/limits.ts";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { Receiver } from "../lab/otlp/receiver.ts";
import { message } from "./answers.ts";
import { send, sendRaw } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import {
  certificateFor,
  REAL_KEY,
  rendered,
  secrets,
  terminate,
  TOKEN_A,
  TOKEN_B,
} from "./gateways.ts";
import { Upstream } from "./upstream.ts";

const args: EnvoyConfigArgs = {
  ...terminate,
  otlp: {
    ...collectorOf("https://otlp.example.com/base"),
    headerNames: ["authorization", "x-api-key"],
  },
};
const RECEIVER_KEYS = { authorization: "Basic receivers-own", "x-api-key": "receivers-key" };

const MODEL = "claude-opus-4-5-20251101";
const USAGE = {
  input_tokens: 10,
  output_tokens: 20,
  cache_read_input_tokens: 3,
  cache_creation_input_tokens: 9,
  cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 5 },
};
/** At 5 and 25 USD per million tokens; of cached ones at 0.5, 6.25 and 10 USD. */
const COST = "0.0006265";

let upstream: Upstream;
let envoy: Envoy;
let server: https.Server;
let receiver: Receiver;
/** Requests that the upstream has answered. */
let answered = 0;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  upstream.handle = (request, response) => {
    request.resume().on("end", () => {
      answered += 1;
      const headers = { "content-type": "application/json", "request-id": "req_upstream" };
      response.writeHead(200, headers).end(message(USAGE, [], MODEL));
    });
  };
  await startReceiver(0);
  envoy = await Envoy.start({
    ...rendered(args, { ...secrets, otlpHeaders: RECEIVER_KEYS }),
    hosts: {
      "api.anthropic.com:443": upstream.port,
      "otlp.example.com:443": (server.address() as AddressInfo).port,
    },
  });
});

afterAll(async () => {
  await envoy.stop();
  await upstream.stop();
  server.close();
});

beforeEach(() => {
  receiver.exports.length = 0;
  answered = 0;
});

async function startReceiver(port: number): Promise<void> {
  const { certFile, keyFile } = await certificateFor("otlp.example.com");
  receiver = new Receiver();
  server = https.createServer(
    { cert: await readFile(certFile), key: await readFile(keyFile) },
    receiver.serve,
  );
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
}

async function stopReceiver(): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
  return port;
}

/** Asks the model as an agent. */
async function ask(session: string, token = TOKEN_A) {
  const headers = [["x-api-key", token] as const, ["x-claude-code-session-id", session] as const];
  return send(envoy.ports.agents, { headers, body: "{}" });
}

/** The records that have arrived, once there are so many. */
async function records(count: number) {
  const arrived = () => receiver.exports.flatMap(({ items }) => items);
  await eventually(
    () => Promise.resolve(arrived().length),
    (length) => length >= count,
  );
  return arrived();
}

const JSON_TYPE = ["Content-Type", "application/json"] as const;
const BEARER = ["Authorization", `Bearer ${TOKEN_A}`] as const;

/** Sends telemetry as an agent. */
async function report(options: Parameters<typeof send>[1] = {}) {
  const given = { path: "/v1/metrics", headers: [BEARER, JSON_TYPE], body: METRIC };
  return send(envoy.ports.otlp, { ...given, ...options });
}

const METRIC = JSON.stringify({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "claude-code" } }] },
      scopeMetrics: [
        {
          metrics: [
            {
              name: "claude_code.token.usage",
              sum: {
                dataPoints: [
                  { attributes: [{ key: "type", value: { stringValue: "input" } }], asDouble: 7 },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
});

describe("the records of requests", () => {
  test("have what the request was, used and cost, by the conventions' names", async () => {
    expect((await ask("session-1")).status).toBe(200);
    const [record, ...more] = await records(1);
    expect(more).toEqual([]);
    expect(record?.signal).toBe("logs");
    expect(record?.resource).toEqual({ "service.name": "claude-gateway" });
    const { "claude_gateway.duration_ms": duration, ...rest } = record?.attributes[0] ?? {};
    const { "claude_gateway.first_byte_ms": firstByte, ...attributes } = rest;
    expect([duration, firstByte].map(Number).every(Number.isInteger)).toBe(true);
    expect(attributes).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.agent.name": "dev-e",
      "gen_ai.response.model": MODEL,
      "gen_ai.usage.input_tokens": "10",
      "gen_ai.usage.output_tokens": "20",
      "gen_ai.usage.cache_read.input_tokens": "3",
      "claude_gateway.usage.cache_write_5m_tokens": "4",
      "claude_gateway.usage.cache_write_1h_tokens": "5",
      "claude_gateway.cost_usd": COST,
      "claude_gateway.estimated": "false",
      "claude_gateway.metering": "metered",
      "claude_gateway.response_flags": "-",
      "claude_gateway.response_details": "via_upstream",
      "claude_gateway.upstream_request_id": "req_upstream",
      "session.id": "session-1",
      "http.request.method": "POST",
      "url.path": "/v1/messages",
      "http.response.status_code": "200",
    });
  });

  test("go to the receiver's path with its own headers, and without any credential of ours", async () => {
    await ask("session-2");
    await records(1);
    const [request] = receiver.exports;
    expect(request?.path).toBe("/base/v1/logs");
    expect(request?.headers).toMatchObject({ ...RECEIVER_KEYS, host: "otlp.example.com" });
    expect(JSON.stringify(receiver.exports)).not.toMatch(new RegExp(`${REAL_KEY}|${TOKEN_A}`));
  });

  test("are not made of requests without an agent", async () => {
    expect((await ask("session-3", "nobody's-token-0123456789")).status).toBe(401);
    expect((await ask("session-4", TOKEN_B)).status).toBe(200);
    const sessions = (await records(1)).map(({ attributes: [first] }) => first?.["session.id"]);
    expect(sessions).toEqual(["session-4"]);
  });
});

describe("agents' own telemetry", () => {
  test("reaches the receiver with its own headers and the agent's name", async () => {
    const { status } = await report({
      headers: [BEARER, JSON_TYPE, ["x-claude-gateway-agent", "dev-f"]],
    });
    expect(status).toBe(200);
    const [request] = receiver.exports;
    expect(request?.path).toBe("/base/v1/metrics");
    expect(request?.headers).toMatchObject({
      ...RECEIVER_KEYS,
      host: "otlp.example.com",
      "x-claude-gateway-agent": "dev-e",
    });
    expect(request?.items).toEqual([
      {
        signal: "metrics",
        resource: { "service.name": "claude-code" },
        name: "claude_code.token.usage",
        attributes: [{ type: "input", value: 7 }],
      },
    ]);
    expect(JSON.stringify(request)).not.toMatch(new RegExp(`${REAL_KEY}|${TOKEN_A}`));
    expect(answered).toBe(0);
  });

  test("names no tenant or data set of the receiver's", async () => {
    const tenant = ["x-scope-orgid", "other-tenant"] as const;
    await report({ headers: [BEARER, JSON_TYPE, tenant, ["x-honeycomb-dataset", "other"]] });
    const names = Object.keys(receiver.exports[0]?.headers ?? {}).filter((it) => /^x-/.test(it));
    expect(names.sort()).toEqual(["x-api-key", "x-claude-gateway-agent"]);
  });

  test("that stalls takes nothing from the records of others", async () => {
    const head = `POST /v1/logs HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer ${TOKEN_A}\r\n`;
    const stalled = Array.from({ length: MAX_OTLP_REQUESTS + 6 }, () => {
      const socket = net.connect(envoy.ports.otlp, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`${head}Content-Length: ${MAX_OTLP_BYTES}\r\n\r\n{`);
      return socket;
    });
    try {
      await eventually(
        () => envoy.stat("cluster.otlp.circuit_breakers.high.rq_open"),
        (open) => open === 1,
      );
      await ask("beside", TOKEN_B);
      const sessions = (await records(1)).map(({ attributes: [first] }) => first?.["session.id"]);
      expect(sessions).toEqual(["beside"]);
    } finally {
      for (const socket of stalled) socket.destroy();
    }
  });

  test("is no request of the record", async () => {
    await report();
    await ask("session-5");
    const names = (await records(2)).map(({ signal }) => signal);
    expect(names.filter((signal) => signal === "logs")).toHaveLength(1);
  });

  test.each([
    ["no token", { headers: [JSON_TYPE] }, 401],
    ["an unknown token", { headers: [JSON_TYPE, ["x-api-key", "nobody"] as const] }, 401],
    ["another path", { path: "/v1/traces" }, 404],
    ["a longer path", { path: "/v1/logs/x" }, 404],
    ["the receiver's own path", { path: "/base/v1/logs" }, 404],
    ["the model's path", { path: "/anthropic/v1/messages" }, 404],
    ["another method", { method: "GET" }, 405],
    ["a query, in which a receiver may find a tenant", { path: "/v1/metrics?tenant=x" }, 404],
    ["a body over the limit", { body: Buffer.alloc(MAX_OTLP_BYTES + 1) }, 413],
  ])("with %s is refused", async (_, options, status) => {
    expect((await report(options)).status).toBe(status);
    expect(receiver.exports).toEqual([]);
  });

  test("of the largest size gets through", async () => {
    const body = METRIC + " ".repeat(MAX_OTLP_BYTES - METRIC.length);
    expect((await report({ body })).status).toBe(200);
  });

  test("without a declared length is refused, because nothing bounds it", async () => {
    const head = `POST /v1/logs HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer ${TOKEN_A}\r\n`;
    const chunked = "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    expect((await sendRaw(envoy.ports.otlp, head + chunked)).status).toBe(413);
    expect(receiver.exports).toEqual([]);
  });

  test("that the receiver cannot read gets the receiver's answer", async () => {
    expect((await report({ body: "{" })).status).toBe(400);
    expect((await report({ headers: [BEARER] })).status).toBe(415);
  });

  test("is not taken on the agents' own port", async () => {
    const { status } = await send(envoy.ports.agents, { path: "/v1/logs", headers: [BEARER] });
    expect(status).toBe(404);
  });
});

describe("without the receiver", () => {
  test("agents' requests are not affected, and the loss is counted", async () => {
    await ask("last");
    await eventually(
      () => Promise.resolve(JSON.stringify(receiver.exports)),
      (text) => text.includes("last"),
    );
    const port = await stopReceiver();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(`lost-${i}`)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect((await report()).status).toBe(502);
    await eventually(
      () => envoy.stat("access_logs.open_telemetry_access_log.logs_dropped"),
      (dropped) => dropped === 50,
    );
    await startReceiver(port);
    await ask("found");
    const sessions = (await records(1)).map(({ attributes: [first] }) => first?.["session.id"]);
    expect(sessions).toEqual(["found"]);
  });
});
