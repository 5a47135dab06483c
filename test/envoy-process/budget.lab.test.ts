import type http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { Budgeted, error, headerNames, ofDevE, ONE_CENT, renewal } from "./budgeted.ts";
import { open, read, responseOf } from "./client.ts";
import { eventually } from "./envoy.ts";
import { shim, TOKEN_A, TOKEN_B } from "./gateways.ts";

let gateway: Budgeted;
afterEach(() => gateway.stop());

test("on path shim, the messages are the same", async () => {
  const limits = ofDevE({ usdPerDay: 0.01 });
  gateway = await Budgeted.start(limits, { path: shim });
  expect((await gateway.ask(TOKEN_A, ONE_CENT)).status).toBe(200);
  await gateway.counted({ "day dev-e": ONE_CENT });
  const refused = await gateway.ask(TOKEN_A, 0);
  expect([refused.status, refused.headers["x-should-retry"], refused.body.toString()]).toEqual([
    429,
    "false",
    error(
      "rate_limit_error",
      `the budget of agent dev-e, 0.01 USD a day, is spent. It is renewed at ${renewal(1)}.`,
    ),
  ]);
  await gateway.ratelimit.stop();
  const unchecked = await gateway.ask(TOKEN_A, 0);
  expect([unchecked.status, unchecked.body.toString()]).toEqual([
    503,
    error("api_error", "the budget cannot be checked now"),
  ]);
});

test("a budget is spent when the count has reached it, and not before", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  await gateway.ask(TOKEN_A, ONE_CENT - 1);
  await gateway.counted({ "day dev-e": ONE_CENT - 1 });
  expect((await gateway.ask(TOKEN_A, 1)).status).toBe(200);
  await gateway.counted({ "day dev-e": ONE_CENT });
  expect((await gateway.ask(TOKEN_A, 0)).status).toBe(429);
});

test("the smallest and the largest budget are kept", async () => {
  const limits = { all: { usdPerDay: 42_949 }, agents: { "dev-e": { usdPerDay: 0.00001 } } };
  gateway = await Budgeted.start(limits);
  expect((await gateway.ask(TOKEN_A, 1)).status).toBe(200);
  await gateway.counted({ "day all": 1, "day dev-e": 1 });
  expect((await gateway.ask(TOKEN_A, 0)).body.toString()).toContain("dev-e, 0.00001 USD a day");
  for (let count = 1; count <= 5; count++) {
    expect((await gateway.ask(TOKEN_B, 900_000_000)).status).toBe(200);
    await gateway.counted({ "day all": count * 900_000_000 + 1, "day dev-e": 1 });
  }
  expect((await gateway.ask(TOKEN_B, 0)).body.toString()).toContain("together, 42949.00 USD a day");
});

test("a refusal names the budget that is spent, also if another window has the same limit", async () => {
  const limits = { all: { usdPerDay: 0.01 }, agents: { "dev-e": { usdPer30Days: 0.01 } } };
  gateway = await Budgeted.start(limits);
  await gateway.ask(TOKEN_B, ONE_CENT);
  await gateway.counted({ "day all": ONE_CENT });
  const { body } = await gateway.ask(TOKEN_A, 0);
  // On the last of the 30 days both windows end at the same time, and nothing tells them apart.
  const last = Math.floor(Date.now() / 86_400_000) % 30 === 29;
  const named = last ? "agent dev-e, 0.01 USD in 30 days" : "all agents together, 0.01 USD a day";
  expect(body.toString()).toBe(
    error("rate_limit_error", `the budget of ${named}, is spent. It is renewed at ${renewal(1)}.`),
  );
});

test("an answer within the budget has only the upstream's headers", async () => {
  gateway = await Budgeted.start({ all: { usdPerDay: 1 }, agents: {} });
  gateway.upstream.handle = (request, response) => {
    request.resume();
    response.writeHead(200, { "X-RateLimit-Limit": "7", "Content-Length": "2" }).end("ok");
  };
  const answer = await gateway.ask(TOKEN_A, 0);
  expect(answer.status).toBe(200);
  expect(headerNames(answer)).toEqual([
    "x-ratelimit-limit",
    "content-length",
    "date",
    "connection",
  ]);
});

test("the upstream's own 429 stays as it is", async () => {
  gateway = await Budgeted.start({ all: { usdPerDay: 1 }, agents: {} });
  gateway.upstream.handle = (request, response) => {
    request.resume();
    response.writeHead(429, { "retry-after": "3", "x-should-retry": "true" }).end("theirs");
  };
  const answer = await gateway.ask(TOKEN_A, 0);
  expect([answer.status, answer.headers["retry-after"], answer.body.toString()]).toEqual([
    429,
    "3",
    "theirs",
  ]);
});

test("counting tokens is free: an agent with a spent budget may still do it", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  await gateway.ask(TOKEN_A, ONE_CENT);
  await gateway.counted({ "day dev-e": ONE_CENT });
  const path = "/anthropic/v1/messages/count_tokens";
  expect((await gateway.ask(TOKEN_A, 5, path)).status).toBe(200);
  expect((await gateway.ask(TOKEN_A, 5)).status).toBe(429);
  expect(await gateway.counts()).toEqual({ "day dev-e": ONE_CENT });
});

test("an answer without a cost charges nothing", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  gateway.upstream.handle = (request, response) => {
    request.resume();
    response.writeHead(529).end("{}");
  };
  expect((await gateway.ask(TOKEN_A, ONE_CENT)).status).toBe(529);
  expect((await gateway.ask(TOKEN_A, ONE_CENT)).status).toBe(529);
  expect(await gateway.counts()).toEqual({ "day dev-e": 0 });
});

/** An open stream of dev-e that costs so much. */
async function openStream(cost: number): Promise<{
  readonly response: http.IncomingMessage;
  readonly request: http.ClientRequest;
  readonly finish: () => void;
}> {
  const held = new Promise<() => void>((resolve) => {
    gateway.upstream.handle = (incoming, response) => {
      incoming.resume();
      response.writeHead(200, { "x-cost": String(cost) });
      response.write("begin, ");
      resolve(() => response.end("the end"));
    };
  });
  const request = open(gateway.envoy.ports.agents, {
    headers: [
      ["Host", "gateway"],
      ["x-api-key", TOKEN_A],
    ],
  });
  request.on("error", () => undefined);
  const response = responseOf(request);
  request.end();
  const finish = await held;
  gateway.answerWithCost();
  return { response: await response, request, finish };
}

test("a stream whose client leaves is charged", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  const { request } = await openStream(70);
  await gateway.counted({ "day dev-e": 0 });
  request.destroy();
  await gateway.counted({ "day dev-e": 70 });
});

test("streams that are open together may overshoot, and the next request is refused", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  const streams = [];
  for (let i = 0; i < 10; i++) streams.push(await openStream(ONE_CENT));
  for (const { response, finish } of streams) {
    finish();
    expect((await read(response)).body.toString()).toBe("begin, the end");
  }
  await gateway.counted({ "day dev-e": 10 * ONE_CENT });
  expect((await gateway.ask(TOKEN_A, 0)).status).toBe(429);
});

test("a raised limit is in force without a restart and without a cut stream, and so is a lowered one", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  const { response, finish } = await openStream(5);
  await gateway.ask(TOKEN_A, ONE_CENT);
  await gateway.counted({ "day dev-e": ONE_CENT });
  const answers = async () => {
    const { status, body } = await gateway.ask(TOKEN_A, 0);
    return `${status} ${body.toString()}`;
  };
  expect(await answers()).toContain("429 ");

  await gateway.changeLimits(ofDevE({ usdPerDay: 0.02 }));
  await eventually(answers, (answer) => answer.startsWith("200 "));
  expect(await gateway.counts()).toEqual({ "day dev-e": ONE_CENT });

  await gateway.changeLimits(ofDevE({ usdPerDay: 0.005 }));
  await eventually(answers, (answer) => answer.includes("agent dev-e, 0.005 USD a day, is spent"));

  finish();
  expect((await read(response)).body.toString()).toBe("begin, the end");
  expect(await gateway.envoy.stat("listener_manager.listener_modified")).toBe(0);
});

test("limits that cannot be read leave the old ones in force", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  await gateway.ask(TOKEN_A, ONE_CENT);
  await gateway.counted({ "day dev-e": ONE_CENT });
  const loaded = await gateway.ratelimit.config();
  const { metricsPort } = gateway.ratelimit;
  const rejected = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(/^ratelimit_service_config_load_error (\d+)$/m.exec(metrics)?.[1] ?? 0);
  };
  await gateway.ratelimit.updateConfig({ "agents.yaml": "domain: agents\nlimits: 1\n" });
  await eventually(rejected, (count) => count > 0);
  expect((await gateway.ask(TOKEN_A, 0)).status).toBe(429);
  expect(await gateway.ratelimit.config()).toBe(loaded);
});

test("a restart of the rate-limit service keeps the counts", async () => {
  const limits = ofDevE({ usdPerDay: 0.01 });
  gateway = await Budgeted.start(limits);
  await gateway.ask(TOKEN_A, ONE_CENT);
  await gateway.counted({ "day dev-e": ONE_CENT });
  await gateway.restartRatelimit(limits);
  await eventually(
    () => gateway.ask(TOKEN_A, 0),
    ({ status }) => status === 429,
  );
  expect(await gateway.counts()).toEqual({ "day dev-e": ONE_CENT });
});

test("Redis keeps the counts when it is killed, and its caller finds it again", async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
  await gateway.ask(TOKEN_A, ONE_CENT);
  await gateway.counted({ "day dev-e": ONE_CENT });
  process.kill(gateway.redis.pid, "SIGKILL");
  await eventually(
    () => gateway.ask(TOKEN_A, 0),
    ({ status }) => status === 503,
  );
  await gateway.restartRedis();
  await eventually(
    () => gateway.ask(TOKEN_A, 0),
    ({ status }) => status === 429,
  );
  expect(await gateway.counts()).toEqual({ "day dev-e": ONE_CENT });
});

const absent = {
  Redis: () => gateway.redis.stop(),
  "the rate-limit service": () => gateway.ratelimit.stop(),
};

describe.each(Object.entries(absent))("without %s", (_, stop) => {
  test("a request is refused so that Claude Code waits; others are not affected", async () => {
    gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
    await stop();
    const refused = await gateway.ask(TOKEN_A, 1);
    expect([refused.status, refused.headers["x-should-retry"], refused.body.toString()]).toEqual([
      503,
      "true",
      error("api_error", "the budget cannot be checked now"),
    ]);
    expect(headerNames(refused).filter((name) => name.startsWith("x-"))).toEqual([
      "x-should-retry",
    ]);
    expect(gateway.upstream.received).toEqual([]);
    expect((await gateway.ask(TOKEN_B, 1)).status).toBe(200);
    const path = "/anthropic/v1/messages/count_tokens";
    expect((await gateway.ask(TOKEN_A, 1, path)).status).toBe(200);
  });

  test("a request is let through where the configuration says so", async () => {
    gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }), { onFailure: "allow" });
    await stop();
    const answer = await gateway.ask(TOKEN_A, 1);
    expect([answer.status, answer.body.toString()]).toEqual([200, '{"ok": true}']);
  });
});
