import type http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { open, read, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { Federated } from "./mint-federated.ts";
import { Upstream } from "./upstream.ts";

let pod: Federated;
let upstream: Upstream;
let envoy: Envoy;
let finish: (() => void) | undefined;

beforeEach(async () => {
  pod = await Federated.prepare();
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  // It refuses tokens that the endpoint did not make, or that have ended.
  upstream.handle = (request, response) => {
    const token = String(request.headers.authorization).replace("Bearer ", "");
    const good = (pod.endpoint.made.get(token) ?? 0) > Date.now();
    if (request.url === "/v1/messages?stream") {
      response.writeHead(good ? 200 : 401);
      response.write("begin, ");
      finish = () => response.end("the end");
      return;
    }
    request.resume().on("end", () => response.writeHead(good ? 200 : 401).end(token));
  };
});

afterEach(async () => {
  await envoy.stop();
  await upstream.stop();
  await pod.stop();
});

/** Envoy as a pod with the helper has it. */
async function startEnvoy(): Promise<void> {
  envoy = await Envoy.start({
    ...rendered({ ...terminate, credentialKind: "federated" }),
    tokens: pod.mint.tokens,
    hosts: { "api.anthropic.com:443": upstream.port },
  });
}

function ask(agent?: http.Agent) {
  return send(envoy.ports.agents, {
    headers: [["x-api-key", TOKEN_A]],
    ...(agent !== undefined && { agent }),
  });
}

test("renewals interrupt no stream and fail no request", async () => {
  await pod.assert();
  await pod.mint.start();
  await pod.mint.nextToken();
  await startEnvoy();
  const request = open(envoy.ports.agents, {
    path: "/anthropic/v1/messages?stream",
    headers: [
      ["Host", "gateway"],
      ["x-api-key", TOKEN_A],
    ],
  });
  const stream = responseOf(request);
  request.end();
  await eventually(
    () => Promise.resolve(finish),
    (found) => found !== undefined,
  );

  const statuses = new Map<number, number>();
  const tokens = new Set<string>();
  const until = Date.now() + 12_000;
  let asserted = 0;
  while (Date.now() < until) {
    if (Date.now() - asserted > 1000) {
      asserted = Date.now();
      await pod.assert();
    }
    const { status, body } = await ask();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    tokens.add(body.toString());
    await sleep(10);
  }
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(100);
  // More than two lives of a token.
  expect(tokens.size).toBeGreaterThan(4);
  finish?.();
  const { status, body } = await read(await stream);
  expect({ status, body: body.toString() }).toEqual({ status: 200, body: "begin, the end" });
  expect(await envoy.stat("listener_manager.listener_modified")).toBe(0);
});

test("without a token, agents get a status 503 that they try again, and never the upstream's 401", async () => {
  await pod.mint.start();
  await pod.mint.says("no new token");
  await startEnvoy();
  const refused = {
    status: 503,
    retry: "true",
    after: "30",
    body: '{"type":"error","error":{"type":"api_error","message":"gateway: no credential for the upstream now"}}',
  };
  const answer = async () => {
    const { status, headers, body } = await ask();
    return {
      status,
      retry: headers["x-should-retry"],
      after: headers["retry-after"],
      body: body.toString(),
    };
  };
  expect(await answer()).toEqual(refused);
  // Whose token it is comes first.
  expect(
    (await send(envoy.ports.agents, { headers: [["x-api-key", "nobody-knows-this"]] })).status,
  ).toBe(401);

  await pod.assert();
  const token = await pod.mint.nextToken();
  await eventually(answer, ({ status }) => status === 200);
  expect((await answer()).body).toBe(token);

  const seen = new Set<number>();
  await eventually(answer, ({ status }) => {
    seen.add(status);
    return status === 503;
  });
  expect([...seen]).toEqual([200, 503]);
  expect(await answer()).toEqual(refused);
});
