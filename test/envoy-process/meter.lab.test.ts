import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  counted,
  event,
  message,
  messageEnd,
  messageStart,
  MODEL,
  nothing,
  stream,
} from "./answers.ts";
import {
  type Answer,
  COST,
  cut,
  JSON_TYPE,
  USAGE,
  useMeteredEnvoy,
  WHOLE,
} from "./metered-envoy.ts";

const meter = useMeteredEnvoy();

const FOOL = JSON.stringify({ usage: { input_tokens: 9, output_tokens: 9 }, model: "claude-x" });
const TOOL_INPUT = { model: "claude-x", usage: { input_tokens: 9, output_tokens: 9 } };

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
    meter.answerWith({ ...(headers && { headers }), chunks });
    const { response, usage } = await meter.metered();
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
    meter.answerWith({ chunks });
    expect((await meter.metered()).usage).toEqual(counted(100, 20, COST, { ...expected }));
    meter.answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, ...usage })] });
    expect((await meter.metered()).usage).toEqual(counted(100, 20, COST, { ...expected }));
  });

  test("at the end of a stream replaces what was reported at its start", async () => {
    const end = { input_tokens: 200, output_tokens: 20, cache_read_input_tokens: 10 };
    meter.answerWith({
      chunks: [messageStart({ ...USAGE, cache_read_input_tokens: 5 }), messageEnd(end)],
    });
    expect((await meter.metered()).usage).toEqual(
      counted(200, 20, 0.000903, { cache_read_tokens: 10 }),
    );
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
    meter.answerWith({ chunks: [stream({ ...USAGE, ...usage }, [], model)] });
    const line = (await meter.metered()).usage;
    expect([line.model, line.cost_usd, line.metering]).toEqual([model, cost, "metered"]);
  });

  test("counts what ran for the answer apart, at the price of its model", async () => {
    const iterations = [
      { type: "compaction", input_tokens: 180, output_tokens: 35, cache_read_input_tokens: 0 },
      { type: "message", ...USAGE },
      { type: "advisor_message", model: "claude-opus-5", input_tokens: 8, output_tokens: 16 },
    ];
    const expected = counted(288, 71, 0.002105);
    meter.answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, iterations })] });
    expect((await meter.metered()).usage).toEqual(expected);
    meter.answerWith({
      chunks: [
        messageStart({ ...USAGE, output_tokens: 1 }),
        messageEnd({ output_tokens: 20, iterations }),
      ],
    });
    expect((await meter.metered()).usage).toEqual(expected);
  });

  test("names the model that took over, and counts the one that declined", async () => {
    const iterations = [
      { type: "message", model: "claude-opus-5", input_tokens: 100, output_tokens: 10 },
      { type: "fallback_message", model: MODEL, ...USAGE },
    ];
    meter.answerWith({
      chunks: [
        messageStart({ ...USAGE, output_tokens: 1 }, "claude-opus-5"),
        messageEnd({ ...USAGE, iterations }),
      ],
    });
    expect((await meter.metered()).usage).toEqual(counted(200, 30, 0.00135));
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
      meter.answerWith({ chunks: [stream(usage, [], "claude-haiku-5-5"), messageEnd(usage)] });
      expect((await meter.metered()).usage.cost_usd).toBe(cost);
    }
  });

  test("with more calls than are counted is an estimate", async () => {
    const entry = { type: "compaction", input_tokens: 1, output_tokens: 0 };
    const iterations = Array.from({ length: 101 }, () => entry);
    meter.answerWith({ headers: JSON_TYPE, chunks: [message({ ...USAGE, iterations })] });
    expect((await meter.metered()).usage).toEqual(counted(200, 20, 0.0009, { estimated: true }));
  });

  test("of an unknown model is named in Envoy's log once", async () => {
    meter.answerWith({ chunks: [stream(USAGE, [], "claude-unheard-of")] });
    for (let i = 0; i < 6; i++) await meter.metered();
    const named = meter.envoy.stderr
      .split("\n")
      .filter((line) => line.includes("claude-unheard-of"));
    expect(named.length).toBeGreaterThanOrEqual(1);
    expect(named.length).toBeLessThanOrEqual(2);
    expect(named[0]).toContain("has no price");
  });
});

describe("what is free", () => {
  test.each([400, 401, 429, 500, 529])("an error with status %i", async (status) => {
    meter.answerWith({ status, headers: JSON_TYPE, chunks: [message(USAGE)] });
    expect((await meter.metered()).usage).toEqual(nothing("free"));
  });

  test("a stream that is only an error", async () => {
    meter.answerWith({ chunks: [event({ type: "error", error: { type: "overloaded_error" } })] });
    expect((await meter.metered()).usage).toEqual(nothing("free"));
  });

  test("requests on other routes", async () => {
    meter.answerWith({ headers: JSON_TYPE, chunks: [message(USAGE)] });
    const path = "/anthropic/v1/messages/count_tokens";
    expect((await meter.metered({ path })).usage).toEqual(nothing("free"));
    expect((await meter.metered({ method: "GET", path: "/anthropic/v1/models" })).usage).toEqual(
      nothing("free"),
    );
    expect((await meter.metered({ method: "HEAD", path: "/anthropic/api/hello" })).usage).toEqual(
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
    meter.answerWith({ ...(headers && { headers }), chunks: [body] });
    const { response, usage } = await meter.metered();
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
    await meter.metered({ headers: sent.map((value) => ["Accept-Encoding", value] as const) });
    expect(encodings()).toEqual(received);
  });

  test("arrives as sent on other routes", async () => {
    await meter.metered({
      path: "/anthropic/v1/messages/count_tokens",
      headers: [["Accept-Encoding", "gzip"]],
    });
    expect(encodings()).toEqual(["gzip"]);
  });

  function encodings(): string[] {
    const { headers } = meter.upstream.takeOne();
    return headers.filter(([name]) => name.toLowerCase() === "accept-encoding").map(([, v]) => v);
  }
});

/** 100 input tokens, and 400 bytes of text: 1 + 100 output tokens. */
