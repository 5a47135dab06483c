import dgram from "node:dgram";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import {
  HEAP_SHARE_OF_REFUSAL,
  MAX_REQUESTS,
  memoryMiB,
} from "../../components/gateway/envoy/limits.ts";
import { open, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import {
  certificateFor,
  PLACEHOLDER,
  rendered,
  shim,
  terminate,
  TOKEN_A,
  TOKEN_B,
  withSettings,
} from "./gateways.ts";
import { Upstream } from "./upstream.ts";

const OF_DEV_E = [["Host", "gateway"] as const, ["x-api-key", TOKEN_A] as const];
const OF_DEV_F = [["x-api-key", TOKEN_B] as const];

let upstream: Upstream;
/** Takes LiteLLM's place on path `shim`. */
let litellm: Upstream;
let envoy: Envoy;
const clients: (net.Socket | http.ClientRequest)[] = [];

/** Starts Envoy with some settings replaced, so that a test need not wait for the real limits or fill them. */
async function start(
  settings: Readonly<Record<string, unknown>> = {},
  path: EnvoyConfigArgs = terminate,
): Promise<void> {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...withSettings(rendered({ ...path, maxRequests: { "dev-e": 2 * MAX_REQUESTS } }), settings),
    hosts: {
      "api.anthropic.com:443": upstream.port,
      [`${shim.litellmHost}:4000`]: litellm.port,
    },
  });
}

/** Relays a request to Envoy's egress listener like LiteLLM, but reads no further than the client does. */
function relay(request: http.IncomingMessage, response: http.ServerResponse): void {
  request.resume();
  const onward = http.request(
    {
      host: "127.0.0.1",
      port: envoy.ports.egress,
      agent: false,
      method: "POST",
      path: "/v1/messages",
      headers: { "Content-Length": 0, "x-api-key": PLACEHOLDER },
    },
    (answer) => {
      response.writeHead(answer.statusCode ?? 0);
      answer.on("error", () => response.destroy()).pipe(response);
    },
  );
  onward.on("error", () => response.destroy()).end();
  response.on("close", () => onward.destroy());
}

beforeEach(async () => {
  litellm = await Upstream.start();
  litellm.handle = relay;
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await envoy.stop();
  await upstream.stop();
  await litellm.stop();
});

/** A request from dev-e whose body never ends. It is destroyed after the test. */
function unfinishedUpload(): http.ClientRequest {
  const request = open(envoy.ports.agents, {
    headers: [...OF_DEV_E, ["Content-Length", "1000"]],
  });
  request.on("error", () => undefined);
  request.write("{");
  clients.push(request);
  return request;
}

test("Envoy serves 1,130 requests at once, 1,030 of which are unfinished uploads of one agent", async () => {
  await start();
  upstream.handle = (_request, response) => {
    response.writeHead(200);
    response.write("data: 1\n\n");
  };
  for (let count = 10; count <= 1030; count += 10) {
    for (let i = 0; i < 10; i++) unfinishedUpload();
    // One process cannot open and serve all of them in one step.
    await eventually(
      () => envoy.stat("cluster.anthropic.upstream_rq_active"),
      (active) => active === count,
    );
  }
  const first = [];
  for (let i = 0; i < 100; i++) {
    const stream = open(envoy.ports.agents, { headers: [["Host", "gateway"], ...OF_DEV_F] });
    stream.on("error", () => undefined);
    clients.push(stream);
    first.push(responseOf(stream).then((response) => once(response, "data")));
    stream.end("{}");
  }
  expect(await Promise.all(first)).toHaveLength(100);
  expect(await envoy.stat("cluster.anthropic.upstream_rq_active")).toBe(1130);
});

test("a request above the limit is refused at once, with an error that Claude Code retries", async () => {
  await start({ max_requests: 2 });
  unfinishedUpload();
  unfinishedUpload();
  await eventually(
    () => envoy.stat("cluster.anthropic.upstream_rq_active"),
    (active) => active === 2,
  );
  const response = await send(envoy.ports.agents, { headers: OF_DEV_F });
  expect([response.status, response.headers["x-should-retry"], response.body.toString()]).toEqual([
    503,
    "true",
    '{"type":"error","error":{"type":"api_error","message":"gateway: too many requests in flight"}}',
  ]);
});

test.each([terminate, shim])(
  "$variant.name: clients that never read do not block others",
  async (args) => {
    const COUNT = 40;
    await start({}, args);
    let sent = 0;
    upstream.handle = (_request, response) => {
      const block = Buffer.alloc(65_536);
      const more = () => {
        do sent += block.length;
        while (response.write(block));
      };
      response.on("drain", more);
      more();
    };
    const allocated = async () =>
      Number((JSON.parse((await envoy.admin("/memory")).text) as { allocated: string }).allocated);
    const before = await allocated();
    for (let i = 0; i < COUNT; i++) {
      const socket = net.connect(envoy.ports.agents, "127.0.0.1").pause();
      socket.on("error", () => undefined);
      socket.write(
        `POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: ${TOKEN_A}\r\nContent-Length: 0\r\n\r\n`,
      );
      clients.push(socket);
    }
    await eventually(
      () => envoy.stat("cluster.anthropic.upstream_rq_active"),
      (active) => active === COUNT,
    );
    // Wait until nothing moves any more: the kernel's buffers and Envoy's are full.
    await eventually(
      async () => {
        const until = sent;
        await sleep(1000);
        return sent - until;
      },
      (moved) => moved === 0,
    );
    const each = ((await allocated()) - before) / COUNT;
    // Even the maximum number of such clients uses less memory than the limit above which Envoy refuses all requests.
    const { heap } = memoryMiB(args.variant);
    expect(each / 1024 / 1024).toBeLessThan((HEAP_SHARE_OF_REFUSAL * heap) / MAX_REQUESTS);
    upstream.handle = undefined;
    expect((await send(envoy.ports.agents, { headers: OF_DEV_F })).status).toBe(200);
  },
);

test("Envoy closes a connection without a request, but not a silent stream", async () => {
  await start({ idle_timeout: "1s" });
  const exchange = new Promise<http.ServerResponse>((resolve) => {
    upstream.handle = (_request, response) => {
      response.writeHead(200).flushHeaders();
      resolve(response);
    };
  });
  const request = open(envoy.ports.agents, { headers: OF_DEV_E });
  clients.push(request);
  const stream = responseOf(request);
  request.end("{}");
  const response = await exchange;
  const silent = net.connect(envoy.ports.agents, "127.0.0.1").resume();
  await once(silent, "close");
  expect(await envoy.stat("http.agents.downstream_cx_idle_timeout")).toBe(1);
  const text = once(await stream, "data");
  response.end("still here");
  expect(String((await text)[0])).toBe("still here");
});

test("Envoy ends a request whose body never ends", async () => {
  await start({ request_timeout: "1s" });
  const response = await responseOf(unfinishedUpload());
  expect([response.statusCode, response.headers["x-should-retry"]]).toEqual([408, "true"]);
  response.resume();
});

test("Envoy becomes ready although its DNS server never answers", async () => {
  const silent = dgram.createSocket("udp4");
  let questions = 0;
  silent.on("message", () => questions++);
  silent.bind(0, "127.0.0.1");
  await once(silent, "listening");
  upstream = await Upstream.start();
  envoy = await Envoy.start({ ...rendered(terminate), resolver: silent.address().port });
  expect(questions).toBeGreaterThan(0);
  const response = await send(envoy.ports.agents, { headers: OF_DEV_F });
  expect([response.status, response.headers["x-should-retry"]]).toEqual([502, "true"]);
  silent.close();
});
