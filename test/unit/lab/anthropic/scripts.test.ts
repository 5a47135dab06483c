import { request as httpRequest } from "node:http";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import { call, errorOf, HEADERS, json, SMALL, startFake } from "./harness.ts";

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterEach(() => fake.control.reset());
afterAll(() => fake.stop());

const small = () => call(fake.port, { body: SMALL });
const STATUS_TYPES = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** A streaming request that passes on its pieces as they arrive. */
function openStream(onData: (text: string) => void) {
  const outgoing = httpRequest({
    host: "127.0.0.1",
    port: fake.port,
    method: "POST",
    path: "/v1/messages",
    headers: HEADERS,
    agent: false,
  });
  const ended = new Promise<string>((resolve) => {
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    outgoing.on("response", (response) => {
      response.on("data", (chunk: Buffer) => {
        onData(chunk.toString());
      });
      response.on("end", () => {
        resolve("end");
      });
      response.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message);
      });
    });
  });
  outgoing.end(JSON.stringify({ ...SMALL, stream: true }));
  return { outgoing, ended };
}

describe("errors", () => {
  test.each(Object.entries(STATUS_TYPES))("%s is %s", async (status, type) => {
    await fake.control.push({ action: { kind: "error", status: Number(status) } });
    const answer = await small();
    expect(answer.status).toBe(Number(status));
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(json(answer)).toMatchObject({
      type: "error",
      error: { type },
      request_id: answer.headers["request-id"],
    });
    const retried = ["409", "429", "500", "504", "529"].includes(status);
    expect(answer.headers["x-should-retry"]).toBe(String(retried));
    expect(answer.headers["retry-after"]).toBeUndefined();
  });

  test("can have their own message, details and headers", async () => {
    await fake.control.push({
      action: {
        kind: "error",
        status: 429,
        type: "billing_error",
        message: "over the cap",
        details: { error_code: "enforced_spend_limit_reached" },
        retryAfterSeconds: 7,
        headers: [
          ["X-Should-Retry", "false"],
          ["anthropic-priority-input-tokens-limit", "1"],
        ],
      },
    });
    const answer = await small();
    expect(json(answer).error).toEqual({
      type: "billing_error",
      message: "over the cap",
      details: { error_code: "enforced_spend_limit_reached" },
    });
    expect(answer.headers["retry-after"]).toBe("7");
    expect(answer.headers["anthropic-ratelimit-requests-remaining"]).toBe("0");
    expect(answer.headers["anthropic-priority-input-tokens-limit"]).toBe("1");
    expect(answer.rawHeaders.filter((name) => /^x-should-retry$/i.test(name))).toEqual([
      "X-Should-Retry",
    ]);
    expect(answer.headers["x-should-retry"]).toBe("false");
  });

  test("can lack the outer type and the request id, like errors of the API's edge", async () => {
    const message = "Request not allowed";
    await fake.control.push({
      action: { kind: "error", status: 403, bare: true, type: "forbidden", message },
    });
    const answer = await small();
    expect(answer.status).toBe(403);
    expect(answer.body).toBe(`{"error":{"type":"forbidden","message":"${message}"}}`);
    expect(answer.headers["request-id"]).toBeUndefined();
    expect(answer.headers["x-should-retry"]).toBeUndefined();
    expect(answer.headers["cf-ray"]).toMatch(/^[0-9a-f]{16}-FRA$/);
  });

  test("can have any bytes, with only the given headers", async () => {
    const body = "<html>\r\n<head><title>502</title></head>\r\n</html>\u00e9";
    await fake.control.push({
      action: {
        kind: "raw",
        status: 502,
        headers: [["Content-Type", "text/html"]],
        body: { text: body },
      },
    });
    const answer = await small();
    expect(answer.status).toBe(502);
    expect(answer.body).toBe(body);
    expect(answer.rawHeaders.filter((_, index) => index % 2 === 0)).toEqual([
      "Content-Type",
      "Content-Length",
      "Connection",
      "Date",
    ]);
  });

  test("may be empty", async () => {
    await fake.control.push({ action: { kind: "raw", status: 503, headers: [] } });
    const answer = await small();
    expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([
      503,
      "",
      undefined,
    ]);
  });
});

describe("matching", () => {
  const overloaded: ScriptInput["action"] = { kind: "error", status: 529 };
  const statuses = async (count: number) => {
    const seen: number[] = [];
    for (let index = 0; index < count; index++) seen.push((await small()).status);
    return seen;
  };

  test("by default answers only the next request", async () => {
    await fake.control.push({ action: overloaded });
    expect(await statuses(2)).toEqual([529, 200]);
  });

  test("skips the first requests and answers the given number", async () => {
    await fake.control.push({ skip: 1, times: 2, action: overloaded });
    expect(await statuses(5)).toEqual([200, 529, 529, 200, 200]);
    expect((await fake.control.scripts())[0]).toMatchObject({ matched: 3, answered: 2 });
  });

  test("with times: null answers until it is cleared", async () => {
    await fake.control.push({ times: null, action: overloaded });
    expect(await statuses(3)).toEqual([529, 529, 529]);
    await fake.control.clearScripts();
    expect(await statuses(1)).toEqual([200]);
  });

  test("scripts answer in the order in which they were added", async () => {
    await fake.control.push({ action: overloaded }, { action: { kind: "error", status: 500 } });
    expect(await statuses(3)).toEqual([529, 500, 200]);
  });

  test("matches by method, path, headers and body together", async () => {
    const match = {
      method: "POST",
      path: "/v1/messages",
      headers: { "X-Claude-Code-Session-Id": "s1" },
      bodyContains: "hello",
    };
    await fake.control.push({ match, times: null, action: overloaded });
    const session = (id: string) => ({ ...HEADERS, "x-claude-code-session-id": id });
    const headers = session("s1");
    const other = { ...SMALL, messages: [{ role: "user", content: "bye" }] };
    const path = "/v1/messages?beta=true";
    expect((await call(fake.port, { headers, path, body: SMALL })).status).toBe(529);
    expect((await call(fake.port, { headers, body: other })).status).toBe(200);
    expect((await call(fake.port, { headers: session("s2"), body: SMALL })).status).toBe(200);
    const count = { headers, path: "/v1/messages/count_tokens", body: SMALL };
    expect((await call(fake.port, count)).status).toBe(400);
    expect((await call(fake.port, { headers, method: "GET" })).status).toBe(405);
  });

  test("does not answer a request with a rejected credential, unless told to", async () => {
    const headers = { ...HEADERS, "x-api-key": "sk-ant-api03-no" };
    await fake.control.push({ action: overloaded });
    expect((await call(fake.port, { headers, body: SMALL })).status).toBe(401);
    await fake.control.push({ anyCredential: true, action: { kind: "error", status: 500 } });
    expect((await call(fake.port, { headers, body: SMALL })).status).toBe(500);
  });

  test("an invalid script is rejected with the name of the field", async () => {
    const script = { action: { kind: "error", status: 200 } } as ScriptInput;
    await expect(fake.control.push(script)).rejects.toThrow(/status[\s\S]*>=400|400[\s\S]*status/);
    const typo = { action: { kind: "error", status: 529 }, time: 1 } as ScriptInput;
    await expect(fake.control.push(typo)).rejects.toThrow('"time"');
    expect(await fake.control.scripts()).toEqual([]);
  });
});

describe("streams", () => {
  test("send each frame when its gate opens, not before", async () => {
    await fake.control.push({
      action: {
        kind: "frames",
        frames: [
          { text: ": a comment\n\n" },
          { text: "event: ping\ndata: {}\n\n", gate: "second" },
          { text: "event: x\ndata: \u00e9\n\n", gate: "third" },
        ],
      },
    });
    const seen: string[] = [];
    let arrived: (() => void) | undefined;
    const next = () =>
      new Promise<void>((resolve) => {
        arrived = resolve;
      });
    let arrival = next();
    const stream = openStream((text) => {
      seen.push(text);
      arrived?.();
    });
    await arrival;
    expect(seen).toEqual([": a comment\n\n"]);
    const [record] = await fake.control.records();
    expect(record?.response?.frames).toHaveLength(1);
    for (const gate of ["second", "third"]) {
      arrival = next();
      await fake.control.openGate(gate);
      await arrival;
    }
    expect(await stream.ended).toBe("end");
    expect(seen).toEqual([
      ": a comment\n\n",
      "event: ping\ndata: {}\n\n",
      "event: x\ndata: \u00e9\n\n",
    ]);
  });

  test("record when each frame was sent", async () => {
    const gapMs = 40;
    await fake.control.push({
      action: {
        kind: "frames",
        frames: [{ text: "a" }, { text: "b", afterMs: gapMs }, { base64: "Yw==", afterMs: gapMs }],
      },
    });
    expect((await small()).body).toBe("abc");
    const record = await fake.control.waitFor(({ state }) => state === "finished");
    const frames = await fake.control.responseFrames(record.id);
    expect(frames.map(({ bytes }) => bytes.toString())).toEqual(["a", "b", "c"]);
    // A timer may fire up to 1 ms early by this clock, but not earlier.
    const gaps = frames.slice(1).map(({ atMs }, index) => atMs - (frames[index]?.atMs ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(gapMs - 2);
  });

  test("delay a normal answer, streaming or not", async () => {
    const script: ScriptInput = { times: null, action: { kind: "message", gapMs: 1 } };
    await fake.control.push(script);
    expect((await small()).headers["content-type"]).toBe("application/json");
    const streamed = await call(fake.port, { body: { ...SMALL, stream: true } });
    expect(streamed.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(streamed.body.match(/^event: .*$/gm)).toEqual([
      "event: message_start",
      "event: content_block_start",
      "event: ping",
      "event: content_block_delta",
      "event: content_block_stop",
      "event: message_delta",
      "event: message_stop",
    ]);
  });

  test("record that and when a client disconnects", async () => {
    await fake.control.push({
      action: { kind: "frames", frames: [{ text: ": here\n\n" }], end: "hang" },
    });
    const { outgoing, ended } = openStream(() => {
      outgoing.destroy();
    });
    await ended;
    const record = await fake.control.waitFor(({ state }) => state === "aborted");
    expect(record.endedAtMs).toBeGreaterThanOrEqual(record.response?.atMs ?? Infinity);
  });
});

describe("broken connections", () => {
  const cases: [string, ScriptInput["action"], string, string][] = [
    ["a reset before the headers", { kind: "reset", after: "request" }, "ECONNRESET", "reset"],
    ["a reset after the headers", { kind: "reset", after: "headers" }, "ECONNRESET", "reset"],
    [
      "a reset in the body",
      { kind: "frames", frames: [{ text: "a" }], end: "reset" },
      "ECONNRESET",
      "reset",
    ],
    [
      "a close in the body",
      { kind: "frames", frames: [{ text: "a" }], end: "close" },
      "ECONNRESET",
      "closed",
    ],
  ];
  test.each(cases)("%s", async (_name, action, outcome, state) => {
    await fake.control.push({ action });
    const { ended } = openStream(() => undefined);
    expect(await ended).toBe(outcome);
    expect((await fake.control.records()).map((record) => record.state)).toEqual([state]);
    expect((await small()).status).toBe(200);
  });

  test.each(["request", "headers"] as const)("the server can hang after the %s", async (after) => {
    await fake.control.push({ action: { kind: "hang", after } });
    const { outgoing, ended } = openStream(() => undefined);
    const record = await fake.control.waitFor(({ state }) => state === "answering");
    expect(record.response === null).toBe(after === "request");
    outgoing.destroy();
    await ended;
    await fake.control.waitFor(({ state }) => state === "aborted");
  });

  test("headers can wait for a gate", async () => {
    await fake.control.push({ gate: "go", action: { kind: "message" } });
    const answer = small();
    const record = await fake.control.waitFor(({ state }) => state === "answering");
    expect(record.response).toBeNull();
    await fake.control.openGate("go");
    expect((await answer).status).toBe(200);
  });

  test("a script that fails ends only its own exchange", async () => {
    await fake.control.push({
      action: { kind: "raw", status: 200, headers: [["bad name", "x"]] },
    });
    await expect(small()).rejects.toThrow("ECONNRESET");
    expect((await small()).status).toBe(200);
  });
});

test("a scripted answer has its blocks, and its request is validated like any other", async () => {
  const script: ScriptInput = {
    times: null,
    action: {
      kind: "message",
      content: [
        { type: "thinking", thinking: "hm" },
        { type: "redacted_thinking", data: "abc" },
        { type: "tool_use", id: "toolu_a", name: "A", input: { x: 1 } },
        { type: "tool_use", name: "B", input: {} },
      ],
    },
  };
  await fake.control.push(script);
  const message = json(await small()) as {
    content: Record<string, unknown>[];
    stop_reason: string;
  };
  expect(message.stop_reason).toBe("tool_use");
  expect(message.content.map(({ type }) => type)).toEqual([
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_use",
  ]);
  expect(message.content[2]).toMatchObject({ id: "toolu_a", name: "A", input: { x: 1 } });
  expect(message.content[3]?.id).toMatch(/^toolu_01/);
  const refused = await call(fake.port, { body: { ...SMALL, messages: [] } });
  expect(errorOf(refused).message).toBe("messages: at least one message is required");
});
