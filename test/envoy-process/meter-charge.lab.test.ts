import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { message, messageStart, stream, textDelta } from "./answers.ts";
import { Budgeted, ofDevE } from "./budgeted.ts";
import { open, send } from "./client.ts";
import { eventually } from "./envoy.ts";
import { TOKEN_A } from "./gateways.ts";

const USAGE = { input_tokens: 100, output_tokens: 20 };
/** 4,000 bytes: 1,000 tokens at 15 USD per million. */
const BODY = "x".repeat(4000);
const UNREAD = 1500;
/** 10,000 tokens. */
const UNREAD_WITHOUT_LENGTH = 15_000;

let gateway: Budgeted;
beforeEach(async () => {
  gateway = await Budgeted.start(ofDevE({ usdPerDay: 42_949 }));
});
afterEach(() => gateway.stop());

function answerWith(status: number, headers: Record<string, string>, body: string): void {
  gateway.upstream.handle = (request, response) => {
    request.resume().on("end", () => {
      response.writeHead(status, headers).end(body);
    });
  };
}

function ask(options: { path?: string; method?: string } = {}) {
  const headers = [["x-api-key", TOKEN_A] as const];
  return send(gateway.envoy.ports.agents, { ...options, headers, body: BODY });
}

async function charged(before: number): Promise<void> {
  await gateway.counted({ "day dev-e": before });
}

const EVENTS = { "content-type": "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };

describe("a budget is charged", () => {
  test.each([
    ["no message", 200, JSON_TYPE, "{}", UNREAD],
    ["text", 200, { "content-type": "text/plain" }, stream(USAGE), UNREAD],
    ["no type", 200, {}, stream(USAGE), UNREAD],
    ["a redirect", 302, { location: "/" }, "", UNREAD],
    ["a message", 200, JSON_TYPE, message(USAGE), 60],
    ["a stream", 200, EVENTS, stream(USAGE), 60],
    ["a stream that ends early", 200, EVENTS, messageStart(USAGE) + textDelta("x"), 62],
    ["no more than the service takes", 200, EVENTS, stream({ ...USAGE, output_tokens: 1e12 }), 1e9],
  ])("for %s", async (_, status, headers, body, units) => {
    answerWith(status, headers, body);
    expect((await ask()).status).toBe(status);
    await charged(units);
  });

  test("if the agent leaves before the answer begins", async () => {
    let arrived = false;
    gateway.upstream.handle = (request) => {
      request.resume().on("end", () => (arrived = true));
    };
    for (const [headers, units] of [
      [[["Content-Length", String(BODY.length)]], UNREAD],
      [[["Transfer-Encoding", "chunked"]], UNREAD + UNREAD_WITHOUT_LENGTH],
    ] as const) {
      arrived = false;
      const request = open(gateway.envoy.ports.agents, {
        headers: [["Host", "gateway"], ["x-api-key", TOKEN_A], ...headers],
      });
      request.on("error", () => undefined);
      request.end(BODY);
      await eventually(
        () => Promise.resolve(arrived),
        (now) => now,
      );
      request.destroy();
      await charged(units);
    }
  });
});

/** A request that costs something, so that one that costs nothing before it is counted too. */
async function thenCharged(units: number): Promise<void> {
  answerWith(200, JSON_TYPE, message(USAGE));
  expect((await ask()).status).toBe(200);
  await charged(units + 60);
}

describe("a budget is not charged", () => {
  test.each([400, 429, 500, 529])("for the error %i", async (status) => {
    answerWith(status, JSON_TYPE, message(USAGE));
    expect((await ask()).status).toBe(status);
    await thenCharged(0);
  });

  test("for a stream that is only an error", async () => {
    answerWith(200, EVENTS, 'event: error\ndata: {"type":"error","error":{}}\n\n');
    await ask();
    await thenCharged(0);
  });

  test("for other routes", async () => {
    answerWith(200, JSON_TYPE, '{"input_tokens": 9}');
    expect((await ask({ path: "/anthropic/v1/messages/count_tokens" })).status).toBe(200);
    await thenCharged(0);
  });

  test("if the connection to the API breaks before an answer", async () => {
    gateway.upstream.handle = (request) => request.socket.destroy();
    expect((await ask()).status).toBe(502);
    await thenCharged(0);
  });

  test("for a request that it refuses", async () => {
    await gateway.stop();
    gateway = await Budgeted.start(ofDevE({ usdPerDay: 0.01 }));
    answerWith(200, {}, "");
    await ask();
    await charged(UNREAD);
    expect((await ask()).status).toBe(429);
    // Charges arrive when a stream has ended: the second one would be there with the next answer.
    expect((await ask()).status).toBe(429);
    expect(await gateway.counts()).toEqual({ "day dev-e": UNREAD });
  });
});
