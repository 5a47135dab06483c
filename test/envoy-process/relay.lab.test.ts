import { once } from "node:events";
import type http from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { open, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { startTerminating } from "./terminating.ts";
import { Upstream } from "./upstream.ts";

const HEADERS = [["Host", "gateway"] as const, ["x-api-key", TOKEN_A] as const];

let upstream: Upstream;
let envoy: Envoy;

beforeEach(async () => {
  ({ upstream, envoy } = await startTerminating());
});

afterEach(async () => {
  await envoy.stop();
  await upstream.stop();
});

/** The upstream's side of the next request. */
function nextExchange(): Promise<{ request: http.IncomingMessage; response: http.ServerResponse }> {
  return new Promise((resolve) => {
    upstream.handle = (request, response) => {
      resolve({ request, response });
    };
  });
}

async function nextChunk(stream: http.IncomingMessage): Promise<string> {
  const [chunk] = (await once(stream, "data")) as [Buffer];
  return chunk.toString();
}

test("each event of a stream arrives before the next one is sent", async () => {
  const exchange = nextExchange();
  const request = open(envoy.ports.agents, { headers: HEADERS });
  const received = responseOf(request);
  request.end("{}");
  const { response } = await exchange;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
  const stream = await received;
  for (const event of [
    "event: ping\n\n",
    ": comment\n\n",
    'event: error\ndata: {"type":"error"}\n\n',
  ]) {
    const chunk = nextChunk(stream);
    response.write(event);
    expect(await chunk).toBe(event);
  }
  response.end();
  stream.resume();
  await once(stream, "end");
});

test("the beginning of a request's body arrives before the body is complete", async () => {
  const exchange = nextExchange();
  const request = open(envoy.ports.agents, { headers: [...HEADERS, ["Content-Length", "6"]] });
  request.write("one");
  const upstreamSide = (await exchange).request;
  expect(await nextChunk(upstreamSide)).toBe("one");
  const rest = nextChunk(upstreamSide);
  request.end("two");
  expect(await rest).toBe("two");
  request.on("error", () => undefined);
  request.destroy();
});

test("when a client disconnects, the upstream's request ends", async () => {
  const exchange = nextExchange();
  const request = open(envoy.ports.agents, { headers: HEADERS });
  const received = responseOf(request);
  request.end("{}");
  const { response } = await exchange;
  const closed = once(response, "close");
  response.writeHead(200);
  response.write("data: 1\n\n");
  (await received).on("error", () => undefined);
  request.destroy();
  await closed;
  expect(response.writableFinished).toBe(false);
  expect(await envoy.logged(({ agent }) => agent === "dev-e")).toMatchObject({ flags: "DC" });
});

test("when the upstream's connection breaks during a stream, the client's breaks too, and nothing is added", async () => {
  const exchange = nextExchange();
  const request = open(envoy.ports.agents, { headers: HEADERS });
  const received = responseOf(request);
  request.end("{}");
  const { response } = await exchange;
  response.writeHead(200);
  response.write("data: 1\n\n");
  const stream = await received;
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(stream, "data");
  response.destroy();
  await expect(once(stream, "end")).rejects.toThrow("aborted");
  expect(text).toBe("data: 1\n\n");
});

/** The gateway's own answer to one request. */
async function ownError() {
  const response = await send(envoy.ports.agents, { headers: HEADERS.slice(1), body: "{}" });
  return {
    status: response.status,
    retry: response.headers["x-should-retry"],
    type: (JSON.parse(response.body.toString()) as { error: { type: string } }).error.type,
    contentType: response.headers["content-type"],
  };
}

const UNREACHABLE = {
  status: 502,
  retry: "true",
  type: "api_error",
  contentType: "application/json",
};

test("an upstream that hangs up without an answer causes an api_error and gets only one request", async () => {
  let requests = 0;
  upstream.handle = (_request, response) => {
    requests++;
    response.destroy();
  };
  expect(await ownError()).toEqual(UNREACHABLE);
  expect(requests).toBe(1);
});

test("an upstream that is down causes an api_error", async () => {
  await upstream.stop();
  expect(await ownError()).toEqual(UNREACHABLE);
  upstream = await Upstream.start();
});

test.each([
  { what: "for another name", certificate: () => certificateFor("evil.example.com") },
  { what: "for a subdomain", certificate: () => certificateFor("x.api.anthropic.com") },
])("an upstream with a certificate $what gets no request", async ({ certificate }) => {
  await envoy.stop();
  const impostor = await Upstream.start(await certificate());
  envoy = await Envoy.start({
    ...rendered(terminate),
    hosts: { "api.anthropic.com:443": impostor.port },
  });
  expect(await ownError()).toEqual(UNREACHABLE);
  expect(impostor.received).toEqual([]);
  await impostor.stop();
});

test("requests above the heap limit are refused with an error that Claude Code retries", async () => {
  await envoy.stop();
  envoy = await Envoy.start({
    ...rendered({ ...terminate, heapLimitBytes: 1024 * 1024 }),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  const refused = await eventually(ownError, ({ status }) => status === 503);
  expect(refused).toEqual({ ...UNREACHABLE, status: 503 });
});

test("the health port serves only readiness and statistics", async () => {
  const get = (path: string, method = "GET") => send(envoy.ports.health, { path, method });
  expect((await get("/ready")).body.toString()).toBe("LIVE\n");
  expect((await get("/stats/prometheus")).body.toString()).toContain(
    "envoy_http_downstream_rq_total",
  );
  for (const path of [
    "/",
    "/stats",
    "/config_dump",
    "/certs",
    "/ready/../config_dump",
    "/quitquitquit",
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
  expect((await get("/healthcheck/fail", "POST")).status).toBe(404);
  expect((await get("/ready")).status).toBe(200);
});
