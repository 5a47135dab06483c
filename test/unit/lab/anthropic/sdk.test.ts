import Anthropic from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { API_KEY, OAUTH_TOKEN, startFake } from "./harness.ts";

let fake: Awaited<ReturnType<typeof startFake>>;
let client: Anthropic;
beforeAll(async () => {
  fake = await startFake();
  client = new Anthropic({ baseURL: fake.url, apiKey: API_KEY, maxRetries: 0 });
});
afterEach(() => fake.control.reset());
afterAll(() => fake.stop());

const MODEL = "claude-opus-5-5";
const BASH: Anthropic.Tool = {
  name: "Bash",
  input_schema: { type: "object", properties: { command: { type: "string" } } },
};

function asking(content: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model: MODEL, max_tokens: 1000, messages: [{ role: "user", content }] };
}

describe("Anthropic's own client", () => {
  test("reads a message", async () => {
    const message = await client.messages.create(asking("say: well met"));
    expect(message.content).toEqual([{ type: "text", text: "well met" }]);
    expect(message).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
    expect(message.id).toMatch(/^msg_01/);
    expect(message._request_id).toMatch(/^req_011C/);
  });

  test("assembles the same message from a stream", async () => {
    const thinking = { type: "adaptive" } as const;
    const text = "a long answer, \u{1F600} and more. ".repeat(20).trim();
    const params = { ...asking(`say: ${text}`), thinking };
    const whole = await client.messages.create(params);
    const stream = client.messages.stream(params);
    const pieces: string[] = [];
    stream.on("text", (piece) => pieces.push(piece));
    const streamed = await stream.finalMessage();
    expect(streamed.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    expect(streamed.content[1]).toEqual({ type: "text", text });
    expect(streamed.content[1]).toEqual(whole.content[1]);
    expect(streamed.usage).toEqual(whole.usage);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join("")).toBe(text);
  });

  test("completes parallel tool calls with unchanged thinking signatures", async () => {
    const messages: Anthropic.MessageParam[] = [
      { role: "user", content: "run: echo one\nrun: echo two" },
    ];
    const params = {
      model: MODEL,
      max_tokens: 1000,
      tools: [BASH],
      thinking: { type: "adaptive" } as const,
    };
    const call = await client.messages.stream({ ...params, messages }).finalMessage();
    expect(call.stop_reason).toBe("tool_use");
    const uses = call.content.filter((block) => block.type === "tool_use");
    expect(uses.map(({ name, input }) => [name, (input as { command: string }).command])).toEqual([
      ["Bash", "echo one"],
      ["Bash", "echo two"],
    ]);
    messages.push(
      { role: "assistant", content: call.content },
      {
        role: "user",
        content: uses
          .map(({ id }, index) => ({
            type: "tool_result" as const,
            tool_use_id: id,
            content: `output ${index}`,
          }))
          .reverse(),
      },
    );
    const done = await client.messages.create({ ...params, messages });
    expect(done.content.at(-1)).toEqual({ type: "text", text: "It printed:\noutput 0\noutput 1" });
    expect(done.stop_reason).toBe("end_turn");
  });

  test("gets a forced tool call with an input that fits the schema", async () => {
    const input_schema = {
      type: "object" as const,
      properties: { n: { type: "integer" }, kind: { enum: ["a", "b"] }, other: {} },
      required: ["n", "kind"],
    };
    const message = await client.messages.create({
      ...asking("go"),
      tools: [{ name: "pick", input_schema }],
      tool_choice: { type: "tool", name: "pick" },
    });
    expect(message.content[0]).toMatchObject({ name: "pick", input: { n: 1, kind: "a" } });
  });

  test("gets structured output", async () => {
    const schema = {
      type: "object",
      properties: { title: { type: "string" } },
      required: ["title"],
      additionalProperties: false,
    };
    const message = await client.messages.create({
      ...asking("name it"),
      output_config: { format: { type: "json_schema", schema } },
    });
    const [block] = message.content;
    expect(JSON.parse(block?.type === "text" ? block.text : "")).toEqual({
      title: "A fitting answer",
    });
  });

  test("gets an answer that is cut at max_tokens", async () => {
    const message = await client.messages.create({ ...asking("say: 123456789"), max_tokens: 2 });
    expect(message.content).toEqual([{ type: "text", text: "12345678" }]);
    expect(message.stop_reason).toBe("max_tokens");
    expect(message.usage.output_tokens).toBe(2);
  });

  test("gets an answer that ends before a stop sequence", async () => {
    const message = await client.messages.create({
      ...asking("say: one two three"),
      stop_sequences: ["three", " two"],
    });
    expect(message.content).toEqual([{ type: "text", text: "one" }]);
    expect(message).toMatchObject({ stop_reason: "stop_sequence", stop_sequence: " two" });
  });

  test("gets the check of a tool call as Claude Code asks for it", async () => {
    const message = await client.messages.create({
      ...asking("say: no answer to this"),
      system: "Answer <severity>N</severity>.",
      stop_sequences: ["</severity>"],
    });
    expect(message.content).toEqual([{ type: "text", text: "<severity>0" }]);
  });

  test("counts tokens and lists models", async () => {
    const { model, messages } = asking("hello");
    expect((await client.messages.countTokens({ model, messages })).input_tokens).toBeGreaterThan(
      0,
    );
    const ids: string[] = [];
    for await (const model of client.models.list({ limit: 2 })) ids.push(model.id);
    expect(ids).toContain(MODEL);
    expect(new Set(ids).size).toBe(ids.length);
    expect((await client.models.retrieve(MODEL)).display_name).toBe("Claude Opus 5.5");
  });

  test("gets usage that reflects the prompt cache", async () => {
    const system: Anthropic.TextBlockParam[] = [
      { type: "text", text: "w ".repeat(9000), cache_control: { type: "ephemeral", ttl: "1h" } },
    ];
    const first = await client.messages.create({ ...asking("one"), system });
    const second = await client.messages.stream({ ...asking("two"), system }).finalMessage();
    expect(first.usage.cache_creation?.ephemeral_1h_input_tokens).toBeGreaterThan(4000);
    expect(first.usage.cache_creation?.ephemeral_5m_input_tokens).toBe(0);
    expect(first.usage.cache_creation_input_tokens).toBe(second.usage.cache_read_input_tokens);
    expect(second.usage.cache_creation_input_tokens).toBe(0);
  });

  test("signs in with an OAuth token", async () => {
    const signedIn = new Anthropic({
      baseURL: fake.url,
      apiKey: null,
      authToken: OAUTH_TOKEN,
      defaultHeaders: { "anthropic-beta": "oauth-2025-04-20" },
      maxRetries: 0,
    });
    expect((await signedIn.messages.create(asking("hello"))).type).toBe("message");
  });

  const classes: [number, new (...args: never[]) => Error, string][] = [
    [400, Anthropic.BadRequestError, "invalid_request_error"],
    [401, Anthropic.AuthenticationError, "authentication_error"],
    [403, Anthropic.PermissionDeniedError, "permission_error"],
    [404, Anthropic.NotFoundError, "not_found_error"],
    [409, Anthropic.ConflictError, "conflict_error"],
    [429, Anthropic.RateLimitError, "rate_limit_error"],
    [500, Anthropic.InternalServerError, "api_error"],
    [529, Anthropic.InternalServerError, "overloaded_error"],
  ];
  test.each(classes)("maps %i to its error class", async (status, errorClass, type) => {
    await fake.control.push({ action: { kind: "error", status } });
    const error: unknown = await client.messages.create(asking("hello")).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(errorClass);
    expect(error).toMatchObject({
      status,
      type,
      requestID: expect.stringMatching(/^req_/) as string,
    });
  });

  test("retries retryable errors, and waits as the headers say", async () => {
    await fake.control.push(
      { action: { kind: "error", status: 529, headers: [["retry-after-ms", "1"]] } },
      { action: { kind: "error", status: 429, headers: [["retry-after-ms", "1"]] } },
    );
    const patient = client.withOptions({ maxRetries: 2 });
    expect((await patient.messages.create(asking("hello"))).type).toBe("message");
    const records = await fake.control.records();
    expect(records.map(({ response }) => response?.status)).toEqual([529, 429, 200]);
    const count = (record: (typeof records)[number]) =>
      record.headers.find(([name]) => /^x-stainless-retry-count$/i.test(name))?.[1];
    expect(records.map(count)).toEqual(["0", "1", "2"]);
  });

  test("does not retry a 401", async () => {
    const wrong = client.withOptions({ apiKey: "sk-ant-api03-no", maxRetries: 2 });
    await expect(wrong.messages.create(asking("hello"))).rejects.toThrow("Invalid bearer token");
    expect(await fake.control.records()).toHaveLength(1);
  });

  test("throws an error that arrives during a stream", async () => {
    const data = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';
    await fake.control.push({
      action: {
        kind: "frames",
        frames: [{ text: ": comment\n\n" }, { text: `event: error\ndata: ${data}\n\n` }],
      },
    });
    const error: unknown = await client.messages
      .stream(asking("hello"))
      .finalMessage()
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ status: undefined, type: "overloaded_error" });
  });
});
