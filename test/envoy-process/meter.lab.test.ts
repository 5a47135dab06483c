import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { priceTable } from "../../components/usage/prices/table.ts";
import {
  counted,
  event,
  message,
  messageEnd,
  messageStart,
  MODEL,
  nothing,
  stream,
  textDelta,
  usageOf,
} from "./answers.ts";
import { open, read, type Response, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, secrets, terminate, TOKEN_A } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

const USAGE = { input_tokens: 100, output_tokens: 20 };
/** At 3 and 15 USD per million tokens. */
const COST = 0.0006;
/** {@link open} adds no headers. */
const POST = [
  ["Host", "gateway"],
  ["Content-Length", "0"],
] as const;
const args = { ...terminate, routes: ["hello", "models"] } as const;

let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...rendered(args),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
});

afterAll(async () => {
  await envoy.stop();
  await upstream.stop();
});

beforeEach(() => {
  upstream.received.length = 0;
  upstream.handle = undefined;
});

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Bytes that the upstream writes one after another. */
  readonly chunks: readonly (string | Buffer)[];
}

/** Lets the upstream answer every request in the same way. */
function answerWith({ status = 200, headers = {}, chunks }: Answer): void {
  upstream.handle = (request, response) => {
    request.resume();
    request.on("end", () => {
      void (async () => {
        response.writeHead(status, { "content-type": "text/event-stream", ...headers });
        for (const chunk of chunks) {
          response.write(chunk);
          // So that TLS sends each chunk on its own.
          await new Promise(setImmediate);
        }
        response.end();
      })();
    });
  };
}

let requests = 0;

function sessionHeaders(): { session: string; headers: (readonly [string, string])[] } {
  const session = `meter-${++requests}`;
  return {
    session,
    headers: [
      ["x-api-key", TOKEN_A],
      ["x-claude-code-session-id", session],
    ],
  };
}

/** Sends a request, and returns the response and what the access log says about its usage. */
async function metered(
  options: { method?: string; path?: string; headers?: (readonly [string, string])[] } = {},
): Promise<{ response: Response; usage: Record<string, unknown> }> {
  const { session, headers } = sessionHeaders();
  const response = await send(envoy.ports.agents, {
    ...options,
    headers: [...headers, ...(options.headers ?? [])],
  });
  return { response, usage: usageOf(await envoy.logged((line) => line.session_id === session)) };
}

function cut(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  const starts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => i * size);
  return starts.map((start) => bytes.subarray(start, start + size));
}

const WHOLE = stream(USAGE, ['Hi "you"\n', "}\n\ndata: {}", "é🙂"]);
const FOOL = JSON.stringify({ usage: { input_tokens: 9, output_tokens: 9 }, model: "claude-x" });
const TOOL_INPUT = { model: "claude-x", usage: { input_tokens: 9, output_tokens: 9 } };
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

describe("an answer arrives byte for byte and is metered", () => {
  test.each<{ what: string; headers?: Record<string, string>; chunks: Answer["chunks"] }>([
    { what: "a stream", chunks: [WHOLE] },
    { what: "a stream with CRLF", chunks: [WHOLE.replaceAll("\n", "\r\n")] },
    { what: "a stream with CR", chunks: [WHOLE.replaceAll("\n", "\r")] },
    { what: "a stream in bytes", chunks: cut(WHOLE, 1) },
    { what: "a stream in pieces of 7", chunks: cut(WHOLE, 7) },
    { what: "a CRLF stream in bytes", chunks: cut(WHOLE.replaceAll("\n", "\r\n"), 1) },
    { what: "a stream without its last empty line", chunks: [WHOLE.slice(0, -1)] },
    { what: "a stream with indented JSON", chunks: [WHOLE.replaceAll('":', '" : ')] },
    {
      what: "a stream with data in several lines and comments",
      chunks: [`: comment\nid: 1\n${WHOLE.replaceAll('"usage":', '\ndata: "usage":')}`],
    },
    {
      what: "a data line of 5 MB",
      chunks: [stream(USAGE, ["x".repeat(5_000_000), '"'.repeat(9)])],
    },
    {
      what: "a stream whose text looks like usage",
      chunks: [stream(USAGE, [FOOL, `\n\ndata: ${FOOL}\n\n`, `"${FOOL}`])],
    },
    {
      what: "a stream whose tool input looks like usage",
      chunks: [
        messageStart({ ...USAGE, output_tokens: 1 }),
        event({ type: "content_block_start", index: 0, content_block: { input: TOOL_INPUT } }),
        event({
          type: "content_block_delta",
          usage: USAGE,
          delta: { partial_json: FOOL, usage: { output_tokens: 9 } },
        }),
        messageEnd({ output_tokens: 20 }),
      ],
    },
    { what: "JSON", headers: JSON_TYPE, chunks: [message(USAGE)] },
    { what: "JSON in bytes", headers: JSON_TYPE, chunks: cut(message(USAGE), 1) },
    {
      what: "indented JSON",
      headers: JSON_TYPE,
      chunks: [JSON.stringify(JSON.parse(message(USAGE)), null, 2)],
    },
    {
      what: "JSON whose text and tool input look like usage",
      headers: JSON_TYPE,
      chunks: [message(USAGE, [{ type: "text", text: FOOL }, { input: TOOL_INPUT }, [TOOL_INPUT]])],
    },
    {
      what: "an answer that says it is not compressed",
      headers: { "content-encoding": "identity" },
      chunks: [WHOLE],
    },
  ])("$what", async ({ headers, chunks }) => {
    answerWith({ ...(headers && { headers }), chunks });
    const { response, usage } = await metered();
    const sent = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
    expect(response.body.equals(sent)).toBe(true);
    expect(usage).toEqual(counted(100, 20, COST));
  });
});

describe("usage", () => {
  test.each<{ what: string; usage: object; expected: object }>([
    {
      what: "with the split of cache writes",
      usage: {
        cache_read_input_tokens: 1000,
        cache_creation_input_tokens: 500,
        cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 },
      },
      expected: {
        cache_read_tokens: 1000,
        cache_write_5m_tokens: 200,
        cache_write_1h_tokens: 300,
        cost_usd: 0.00345,
      },
    },
    {
      what: "without the split: cache writes count as 5 minutes",
      usage: { cache_creation_input_tokens: 500, cache_creation: null },
      expected: { cache_write_5m_tokens: 500, cost_usd: 0.002475 },
    },
    {
      what: "with web searches",
      usage: { server_tool_use: { web_search_requests: 3 } },
      expected: { cost_usd: 0.0306 },
    },
    { what: "in fast mode of a model without one", usage: { speed: "fast" }, expected: {} },
  ])("$what", async ({ usage, expected }) => {
    const chunks = [stream({ ...USAGE, ...usage })];
    answerWith({ chunks });
    expect((await metered()).usage).toEqual(counted(100, 20, COST, { ...expected }));
    answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, ...usage })] });
    expect((await metered()).usage).toEqual(counted(100, 20, COST, { ...expected }));
  });

  test("at the end of a stream replaces what was reported at its start", async () => {
    const end = { input_tokens: 200, output_tokens: 20, cache_read_input_tokens: 10 };
    answerWith({
      chunks: [messageStart({ ...USAGE, cache_read_input_tokens: 5 }), messageEnd(end)],
    });
    expect((await metered()).usage).toEqual(counted(200, 20, 0.000903, { cache_read_tokens: 10 }));
  });

  test.each([
    { model: "claude-opus-5", usage: { speed: "fast" }, cost: 0.002 },
    { model: "claude-opus-5", usage: { speed: "standard" }, cost: 0.001 },
    { model: "claude-haiku-5-5", usage: { cache_read_input_tokens: 99_900 }, cost: 0.001019 },
    { model: "claude-haiku-5-5", usage: { cache_read_input_tokens: 99_901 }, cost: 0.00509505 },
    { model: "us.anthropic.claude-opus-4-5-20250929-v1:0", usage: {}, cost: 0.001 },
    { model: "claude-nova-7", usage: {}, cost: 0.003 },
    { model: "claude-nova-7", usage: { speed: "fast" }, cost: 0.018 },
    { model: "claude-opus-5", usage: { inference_geo: "us" }, cost: 0.0011 },
    { model: "claude-opus-5", usage: { inference_geo: "global" }, cost: 0.001 },
    { model: "claude-opus-5", usage: { inference_geo: "us", speed: "fast" }, cost: 0.0022 },
    {
      model: "claude-opus-5",
      usage: { inference_geo: "us", server_tool_use: { web_search_requests: 1 } },
      cost: 0.0111,
    },
  ])("of $model $usage costs $cost", async ({ model, usage, cost }) => {
    answerWith({ chunks: [stream({ ...USAGE, ...usage }, [], model)] });
    const line = (await metered()).usage;
    expect([line.model, line.cost_usd, line.metering]).toEqual([model, cost, "metered"]);
  });

  test("counts what ran for the answer apart, at the price of its model", async () => {
    const iterations = [
      { type: "compaction", input_tokens: 180, output_tokens: 35, cache_read_input_tokens: 0 },
      { type: "message", ...USAGE },
      { type: "advisor_message", model: "claude-opus-5", input_tokens: 8, output_tokens: 16 },
    ];
    const expected = counted(288, 71, 0.002105);
    answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, iterations })] });
    expect((await metered()).usage).toEqual(expected);
    answerWith({
      chunks: [
        messageStart({ ...USAGE, output_tokens: 1 }),
        messageEnd({ output_tokens: 20, iterations }),
      ],
    });
    expect((await metered()).usage).toEqual(expected);
  });

  test("names the model that took over, and counts the one that declined", async () => {
    const iterations = [
      { type: "message", model: "claude-opus-5", input_tokens: 100, output_tokens: 10 },
      { type: "fallback_message", model: MODEL, ...USAGE },
    ];
    answerWith({
      chunks: [
        messageStart({ ...USAGE, output_tokens: 1 }, "claude-opus-5"),
        messageEnd({ ...USAGE, iterations }),
      ],
    });
    expect((await metered()).usage).toEqual(counted(200, 30, 0.00135));
  });

  test("costs more for a long prompt only if one call had it", async () => {
    const calls = (...inputs: number[]) => ({
      input_tokens: 120_000,
      output_tokens: 20,
      iterations: inputs.map((input_tokens) => ({
        type: "message",
        input_tokens,
        output_tokens: 10,
      })),
    });
    for (const [usage, cost] of [
      [calls(60_000, 60_000), 0.01201],
      [calls(110_000, 10_000), 0.06005],
    ] as const) {
      answerWith({ chunks: [stream(usage, [], "claude-haiku-5-5"), messageEnd(usage)] });
      expect((await metered()).usage.cost_usd).toBe(cost);
    }
  });

  test("with more calls than are counted is an estimate", async () => {
    const entry = { type: "compaction", input_tokens: 1, output_tokens: 0 };
    const iterations = Array.from({ length: 101 }, () => entry);
    answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, iterations })] });
    expect((await metered()).usage).toEqual(counted(200, 20, 0.0009, { estimated: true }));
  });

  test("of an unknown model is named in Envoy's log once", async () => {
    answerWith({ chunks: [stream(USAGE, [], "claude-unheard-of")] });
    for (let i = 0; i < 6; i++) await metered();
    const named = envoy.stderr.split("\n").filter((line) => line.includes("claude-unheard-of"));
    expect(named.length).toBeGreaterThanOrEqual(1);
    expect(named.length).toBeLessThanOrEqual(2);
    expect(named[0]).toContain("has no price");
  });
});

describe("what is free", () => {
  test.each([400, 401, 429, 500, 529])("an error with status %i", async (status) => {
    answerWith({ status, headers: JSON_TYPE, chunks: [message(USAGE)] });
    expect((await metered()).usage).toEqual(nothing("free"));
  });

  test("a stream that is only an error", async () => {
    answerWith({ chunks: [event({ type: "error", error: { type: "overloaded_error" } })] });
    expect((await metered()).usage).toEqual(nothing("free"));
  });

  test("requests on other routes", async () => {
    answerWith({ headers: JSON_TYPE, chunks: [message(USAGE)] });
    const path = "/anthropic/v1/messages/count_tokens";
    expect((await metered({ path })).usage).toEqual(nothing("free"));
    expect((await metered({ method: "GET", path: "/anthropic/v1/models" })).usage).toEqual(
      nothing("free"),
    );
    expect((await metered({ method: "HEAD", path: "/anthropic/api/hello" })).usage).toEqual(
      nothing("free"),
    );
  });
});

describe("what is unmetered", () => {
  test.each<{ what: string; headers?: Record<string, string>; body: string | Buffer }>([
    { what: "gzip", headers: { "content-encoding": "gzip" }, body: gzipSync(WHOLE) },
    { what: "br", headers: { "content-encoding": "br" }, body: brotliCompressSync(WHOLE) },
    { what: "another type", headers: { "content-type": "text/plain" }, body: WHOLE },
    { what: "no type", headers: { "content-type": "" }, body: WHOLE },
    { what: "no message_start", body: messageEnd({ output_tokens: 9 }) },
    { what: "a message_start without usage", body: event({ type: "message_start", message: {} }) },
    { what: "a message_start that is not JSON", body: "data: {\"type\":'message_start'}\n\n" },
    { what: "a cut JSON answer", headers: JSON_TYPE, body: message(USAGE).slice(0, -1) },
    { what: "an empty JSON answer", headers: JSON_TYPE, body: "" },
    { what: "a list", headers: JSON_TYPE, body: `[${message(USAGE)}]` },
  ])("$what", async ({ headers, body }) => {
    answerWith({ ...(headers && { headers }), chunks: [body] });
    const { response, usage } = await metered();
    expect(response.body.equals(Buffer.from(body))).toBe(true);
    expect(usage).toEqual(nothing("unmetered"));
  });
});

describe("accept-encoding", () => {
  test.each([
    { sent: ["gzip, br"], received: ["identity"] },
    { sent: ["gzip", "zstd"], received: ["identity"] },
    { sent: [], received: [] },
  ])("$sent becomes $received for messages", async ({ sent, received }) => {
    await metered({ headers: sent.map((value) => ["Accept-Encoding", value] as const) });
    expect(encodings()).toEqual(received);
  });

  test("arrives as sent on other routes", async () => {
    await metered({
      path: "/anthropic/v1/messages/count_tokens",
      headers: [["Accept-Encoding", "gzip"]],
    });
    expect(encodings()).toEqual(["gzip"]);
  });

  function encodings(): string[] {
    const { headers } = upstream.takeOne();
    return headers.filter(([name]) => name.toLowerCase() === "accept-encoding").map(([, v]) => v);
  }
});

/** 100 input tokens, and 400 bytes of text: 1 + 100 output tokens. */
const BEGUN = messageStart({ ...USAGE, output_tokens: 1 }) + textDelta("x".repeat(400));
const ESTIMATE = counted(100, 101, 0.001815, { estimated: true });

describe("a stream that does not end", () => {
  /** Lets the upstream write, then do something with the open response. */
  function beginWith(text: string, then: (destroy: () => void) => void): void {
    upstream.handle = (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(text, () => {
        then(() => response.destroy());
      });
    };
  }

  async function begun(text: string): Promise<{ session: string; leave: () => void }> {
    beginWith(text, () => undefined);
    const { session, headers } = sessionHeaders();
    const request = open(envoy.ports.agents, { headers: [...POST, ...headers] });
    request.end();
    const response = await responseOf(request);
    let received = "";
    response.on("data", (chunk: Buffer) => (received += chunk.toString()));
    response.on("error", () => undefined);
    await eventually(
      () => Promise.resolve(received),
      (now) => now.length === text.length,
    );
    return { session, leave: () => request.destroy() };
  }

  async function left(text: string): Promise<Record<string, unknown>> {
    const { session, leave } = await begun(text);
    leave();
    return usageOf(await envoy.logged((line) => line.session_id === session));
  }

  test("costs an estimate if the client leaves", async () => {
    expect(await left(BEGUN)).toEqual(ESTIMATE);
  });

  test("costs its input if the client leaves before any text", async () => {
    expect(await left(messageStart({ ...USAGE, output_tokens: 1 }))).toEqual(
      counted(100, 1, 0.000315, { estimated: true }),
    );
  });

  test("costs an estimate that is at most 32 tokens old if its text comes in small events", async () => {
    const usage = await left(
      messageStart({ ...USAGE, output_tokens: 1 }) + textDelta("abcd").repeat(100),
    );
    expect(usage).toMatchObject({ estimated: true, metering: "metered" });
    expect(usage.output_tokens).toBeGreaterThan(101 - 32);
    expect(usage.output_tokens).toBeLessThanOrEqual(101);
  });

  test("is unmetered if the client leaves before the stream begins", async () => {
    expect(await left(": hello\n\n")).toEqual(nothing("unmetered"));
  });

  test("costs an estimate also if a long event has not ended", async () => {
    const half = textDelta("x".repeat(400)).slice(0, -'"}}\n\n'.length);
    expect(await left(BEGUN + half)).toEqual(counted(100, 201, 0.003315, { estimated: true }));
  });

  test("costs the searches that it began, and what they found", async () => {
    const block = (content_block: object) =>
      event({ type: "content_block_start", index: 1, content_block });
    const search = block({ type: "server_tool_use", id: "s", name: "web_search", input: {} });
    const found = block({ type: "web_search_tool_result", content: ["x".repeat(396)] });
    expect(await left(messageStart({ ...USAGE, output_tokens: 1 }) + search + found)).toEqual(
      counted(200, 1, 0.010615, { estimated: true }),
    );
  });

  test("costs an estimate if the upstream resets", async () => {
    beginWith(BEGUN, (destroy) => setTimeout(destroy, 50));
    const { session, headers } = sessionHeaders();
    await expect(send(envoy.ports.agents, { headers })).rejects.toThrow();
    expect(usageOf(await envoy.logged((line) => line.session_id === session))).toEqual(ESTIMATE);
  });

  test("costs an estimate if it ends with an error event", async () => {
    answerWith({ chunks: [BEGUN, event({ type: "error", error: { type: "api_error" } })] });
    expect((await metered()).usage).toEqual(ESTIMATE);
  });

  test("is not cut by a change of prices, and keeps its price", async () => {
    let finish: () => void = () => undefined;
    upstream.handle = (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(messageStart({ ...USAGE, output_tokens: 1 }));
      finish = () => response.end(messageEnd({ output_tokens: 20 }));
    };
    const { session, headers } = sessionHeaders();
    const request = open(envoy.ports.agents, { headers: [...POST, ...headers] });
    request.end();
    const response = await responseOf(request);
    const prices = priceTable({ "claude-sonnet-4-5": { input: 30 } });
    await envoy.updateSecrets(renderEnvoySecrets({ ...args, prices }, secrets));
    await eventually(
      () => envoy.stat("http.agents.rds.agent-routes.config_reload"),
      (count) => count >= 2,
    );
    finish();
    expect((await read(response)).body.toString()).toContain("message_stop");
    const line = await envoy.logged((entry) => entry.session_id === session);
    expect(usageOf(line)).toEqual(counted(100, 20, COST));

    answerWith({ chunks: [stream(USAGE)] });
    await eventually(
      async () => (await metered()).usage.cost_usd,
      (cost) => cost === 0.0033,
    );
    await envoy.updateSecrets(renderEnvoySecrets(args, secrets));
    await eventually(
      async () => (await metered()).usage.cost_usd,
      (cost) => cost === COST,
    );
  });
});

describe("requests do not mix", () => {
  test("on two streams at a time", async () => {
    upstream.handle = (request, response) => {
      request.resume();
      void (async () => {
        const input = Number(request.headers["x-input"]);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (const piece of cut(stream({ input_tokens: input, output_tokens: 2 * input }), 50)) {
          response.write(piece);
          await sleep(5);
        }
        response.end();
      })();
    };
    const both = await Promise.all(
      [1000, 2000].map((input) => metered({ headers: [["x-input", String(input)]] })),
    );
    expect(both.map(({ usage }) => usage)).toEqual([
      counted(1000, 2000, 0.033),
      counted(2000, 4000, 0.066),
    ]);
  });

  test("on one connection", async () => {
    const agent = new (await import("node:http")).Agent({ keepAlive: true, maxSockets: 1 });
    const answers = [
      { chunks: [stream(USAGE)] },
      { status: 529, headers: JSON_TYPE, chunks: ["{}"] },
      { headers: { "content-encoding": "gzip" }, chunks: [gzipSync(WHOLE)] },
      { headers: JSON_TYPE, chunks: [message({ input_tokens: 1, output_tokens: 1 })] },
    ];
    const usages = [];
    for (const answer of answers) {
      answerWith(answer);
      const { session, headers } = sessionHeaders();
      const request = open(envoy.ports.agents, { headers: [...POST, ...headers], agent });
      request.end();
      await read(await responseOf(request));
      usages.push(usageOf(await envoy.logged((line) => line.session_id === session)));
    }
    agent.destroy();
    expect(usages).toEqual([
      counted(100, 20, COST),
      nothing("free"),
      nothing("unmetered"),
      counted(1, 1, 0.000018),
    ]);
  });
});

test("an error in the script leaves the bytes intact, and is counted apart", async () => {
  expect(await envoy.stat("http.agents.lua.meter.errors")).toBe(0);
  const files = rendered(args);
  const planted = JSON.stringify(files.config).replace(
    "on_delta(name, length)",
    "on_delta(name, length) error('planted')",
  );
  const broken = await Envoy.start({
    ...files,
    config: JSON.parse(planted) as Record<string, string>,
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  try {
    answerWith({ chunks: [WHOLE] });
    const { session, headers } = sessionHeaders();
    const response = await send(broken.ports.agents, { headers });
    expect(response.body.toString()).toBe(WHOLE);
    expect(await broken.stat("http.agents.lua.meter.errors")).toBe(1);
    const line = await broken.logged((entry) => entry.session_id === session);
    expect(line).toMatchObject({ metering: "metered", estimated: true, model: MODEL });
  } finally {
    await broken.stop();
  }
});
