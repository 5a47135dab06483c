import { once } from "node:events";
import http from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { openAs, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

/**
 * A rate that a test can exceed: the default of 256 becomes 2, of which Envoy's only worker here gives each caller 1 a
 * second. A caller that was quiet for a second may begin two at once.
 */
const DEFAULT = 2;
const UNKNOWN = "unknown-token-0123456789";

let upstream: Upstream;
let envoy: Envoy;
/** Requests that reached the upstream. */
let relayed = 0;
/** What the upstream does not answer to its end. */
let hold = false;
const clients: http.ClientRequest[] = [];

beforeEach(async () => {
  relayed = 0;
  hold = false;
  upstream = await Upstream.start(await certificateFor("api.anthropic.com", "otlp.example.com"));
  upstream.handle = (request, response) => {
    if (request.headers.host === "api.anthropic.com") relayed++;
    request.resume();
    response.writeHead(200);
    if (hold) response.write("data: 1\n\n");
    else response.end("whole");
  };
  const files = rendered({
    ...terminate,
    otlp: { ...collectorOf("https://otlp.example.com/base"), headerNames: [] },
  });
  const slow = (key: string, value: unknown): unknown => (key === "default" ? DEFAULT : value);
  const routes = Object.entries(files.secrets ?? {}).map(
    ([name, text]) => [name, text.startsWith("{") ? again(text, slow) : text] as const,
  );
  envoy = await Envoy.start({
    ...{ ...files, secrets: Object.fromEntries(routes), concurrency: 1 },
    hosts: { "api.anthropic.com:443": upstream.port, "otlp.example.com:443": upstream.port },
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await envoy.stop();
  await upstream.stop();
});

const again = (text: string, change: (key: string, value: unknown) => unknown) =>
  JSON.stringify(JSON.parse(text, change));

/** Sends a request, as from a pod with that address. */
const ask = (
  token: string,
  more: readonly (readonly [string, string])[] = [],
  localAddress = "127.0.0.1",
) =>
  send(envoy.ports.agents, { headers: [["x-api-key", token], ...more], body: "{}", localAddress });

const delayed = (listener = "agents") => envoy.stat(`http.${listener}.fault.delays_injected`);

/** Sends a request after the other until one had to wait. Returns each answer's status. */
async function flood(one: () => Promise<{ status: number }>, listener?: string): Promise<number[]> {
  const before = await delayed(listener);
  const statuses: number[] = [];
  await eventually(
    async () => {
      statuses.push((await one()).status);
      return delayed(listener);
    },
    (now) => now > before,
  );
  return statuses;
}

/** Opens the only stream that an agent may have. */
async function fill(token: string): Promise<void> {
  hold = true;
  const request = openAs(envoy.ports.agents, token, "{}");
  clients.push(request);
  request.on("error", () => undefined).end("{}");
  const response = await responseOf(request);
  response.on("error", () => undefined);
  await once(response, "data");
}

test("a request that waits is relayed with its whole body", async () => {
  const sizes: number[] = [];
  upstream.handle = (request, response) => {
    let size = 0;
    request.on("data", (chunk: Buffer) => (size += chunk.length));
    request.on("end", () => {
      if (request.headers.host === "api.anthropic.com") sizes.push(size);
      response.end("whole");
    });
  };
  const body = JSON.stringify({ padding: "x".repeat(2_000_000) });
  const statuses = await flood(() =>
    send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]], body }),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(sizes).toEqual(statuses.map(() => body.length));
});

test("requests over the rate wait, are answered, and make no other agent wait", async () => {
  const statuses = await flood(() => ask(TOKEN_A));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(relayed).toBe(statuses.length);
  const before = await delayed();
  expect((await ask(TOKEN_B)).status).toBe(200);
  expect(await delayed()).toBe(before);
  const flags = await envoy.logged((line) => line.agent === "dev-e" && line.flags === "DI");
  expect(flags.status).toBe(200);
});

test("refusals over the rate wait, and none of them is relayed", async () => {
  await fill(TOKEN_A);
  const statuses = await flood(() => ask(TOKEN_A));
  expect(new Set(statuses)).toEqual(new Set([429]));
  expect(relayed).toBe(1);
  const before = await delayed();
  hold = false;
  expect((await ask(TOKEN_B)).status).toBe(200);
  expect(await delayed()).toBe(before);

  // What it may begin does not wait for its refusals.
  for (const client of clients.splice(0)) client.destroy();
  await eventually(
    () => ask(TOKEN_A),
    ({ status }) => status === 200,
  );
  const served = await envoy.logged(
    (line) => line.agent === "dev-e" && line.status === 200 && line.bytes_sent === "whole".length,
  );
  expect(served.flags ?? "-").toBe("-");
});

test("a pod's requests without a token wait for each other, and no agent or other pod waits for them", async () => {
  let caller = 0;
  const statuses = await flood(() => ask(`${UNKNOWN}${caller++}`));
  expect(new Set(statuses)).toEqual(new Set([401]));
  const before = await delayed();
  expect((await ask(UNKNOWN, [], "127.0.0.2")).status).toBe(401);
  expect((await ask(TOKEN_A)).status).toBe(200);
  expect(await delayed()).toBe(before);
});

test("telemetry over the rate waits, and makes no request to the API wait", async () => {
  const export_ = () =>
    send(envoy.ports.otlp, {
      ...{ path: "/v1/metrics", headers: [["x-api-key", TOKEN_A] as const], body: "{}" },
    });
  const statuses = await flood(export_, "otlp");
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect((await ask(TOKEN_A)).status).toBe(200);
  expect(await delayed()).toBe(0);
});

describe("a client's own headers", () => {
  test("neither delay nor refuse a request", async () => {
    const answer = await ask(TOKEN_A, [
      ["x-envoy-fault-delay-request", "3600000"],
      ["x-envoy-fault-abort-request", "418"],
      ["X-Envoy-Fault-Abort-Request", "418"],
    ]);
    expect([answer.status, answer.body.toString(), relayed]).toEqual([200, "whole", 1]);
    expect(await delayed()).toBe(0);
  });

  test.each([TOKEN_A, UNKNOWN])("make no answer of their own (%s)", async (token) => {
    const { status } = await ask(token, [["x-envoy-fault-abort-grpc-request", "0"]]);
    expect([status, relayed]).toEqual(token === UNKNOWN ? [401, 0] : [200, 1]);
  });

  test("do not let a request over the limit pass", async () => {
    await fill(TOKEN_A);
    const statuses = await flood(() =>
      ask(TOKEN_A, [
        ["x-envoy-fault-abort-request", "200"],
        ["x-envoy-fault-abort-request-percentage", "0"],
        ["x-envoy-fault-delay-request-percentage", "0"],
      ]),
    );
    expect(new Set(statuses)).toEqual(new Set([429]));
    expect(relayed).toBe(1);
  });
});
