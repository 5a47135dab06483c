import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { API_KEY, call, errorOf, HEADERS, json, OAUTH_TOKEN, SMALL, startFake } from "./harness.ts";

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterAll(() => fake.stop());

const VERSION = { "anthropic-version": "2023-06-01" };

describe("credentials", () => {
  const refusals: [string, Record<string, string>, number, string, string][] = [
    ["none", {}, 401, "authentication_error", "x-api-key header is required"],
    [
      "a wrong key",
      { "x-api-key": "sk-ant-api03-no" },
      401,
      "authentication_error",
      "invalid x-api-key",
    ],
    ["an OAuth token as x-api-key", { "x-api-key": OAUTH_TOKEN }, 429, "rate_limit_error", "Error"],
    [
      "a wrong bearer",
      { authorization: "Bearer sk-ant-oat01-no" },
      401,
      "authentication_error",
      "Invalid bearer token",
    ],
    [
      "an OAuth token without its beta",
      { authorization: `Bearer ${OAUTH_TOKEN}`, "anthropic-beta": "claude-code-20250219" },
      401,
      "authentication_error",
      "OAuth authentication is currently not supported.",
    ],
  ];
  test.each(refusals)("refuses %s", async (_name, headers, status, type, message) => {
    const answer = await call(fake.port, { headers: { ...VERSION, ...headers }, body: SMALL });
    expect(answer.status).toBe(status);
    expect(errorOf(answer)).toEqual({ type, message });
    expect(answer.headers["anthropic-organization-id"]).toBeUndefined();
    expect(answer.headers["anthropic-ratelimit-requests-limit"]).toBeUndefined();
    expect(json(answer).request_id).toBe(answer.headers["request-id"]);
  });

  test("accept an API key, and return its rate limits", async () => {
    const answer = await call(fake.port, { body: SMALL });
    expect(answer.status).toBe(200);
    expect(answer.headers["request-id"]).toMatch(/^req_011C[1-9A-Za-z]{20}$/);
    expect(answer.headers["anthropic-organization-id"]).toMatch(/^[-0-9a-f]{36}$/);
    expect(answer.headers["anthropic-workspace-id"]).toMatch(/^wrkspc_01[1-9A-Za-z]+$/);
    expect(answer.headers["x-cloud-trace-context"]).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers.via).toBe("1.1 google");
    expect(
      Object.keys(answer.headers).filter((name) => name.startsWith("anthropic-ratelimit-")),
    ).toHaveLength(12);
  });

  test("accept an API key as bearer too, and check x-api-key first", async () => {
    const bearer = { ...VERSION, authorization: `Bearer ${API_KEY}` };
    const wrong = { "x-api-key": "sk-ant-api03-no" };
    expect((await call(fake.port, { headers: bearer, body: SMALL })).status).toBe(200);
    const both = await call(fake.port, { headers: { ...bearer, ...wrong }, body: SMALL });
    expect(errorOf(both).message).toBe("invalid x-api-key");
  });

  test("accept an OAuth token with its beta header, and return the unified limits", async () => {
    const headers = {
      ...VERSION,
      authorization: `Bearer ${OAUTH_TOKEN}`,
      "anthropic-beta": "claude-code-20250219,oauth-2025-04-20",
    };
    const answer = await call(fake.port, { headers, body: SMALL });
    expect(answer.status).toBe(200);
    const limits = Object.entries(answer.headers).filter(([name]) => name.includes("ratelimit"));
    const reset = expect.stringMatching(/^\d{10}$/) as string;
    expect(Object.fromEntries(limits)).toEqual({
      "anthropic-ratelimit-unified-status": "allowed",
      "anthropic-ratelimit-unified-5h-status": "allowed",
      "anthropic-ratelimit-unified-5h-reset": reset,
      "anthropic-ratelimit-unified-5h-utilization": "0.05",
      "anthropic-ratelimit-unified-7d-status": "allowed",
      "anthropic-ratelimit-unified-7d-reset": reset,
      "anthropic-ratelimit-unified-7d-utilization": "0.18",
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "anthropic-ratelimit-unified-fallback-percentage": "0.5",
      "anthropic-ratelimit-unified-reset": reset,
      "anthropic-ratelimit-unified-overage-status": "rejected",
      "anthropic-ratelimit-unified-overage-disabled-reason": "org_level_disabled",
    });
  });

  test("follow a rotation at once", async () => {
    await fake.control.setCredentials(["sk-ant-api03-new"]);
    const old = await call(fake.port, { body: SMALL });
    const fresh = await call(fake.port, {
      headers: { ...HEADERS, "x-api-key": "sk-ant-api03-new" },
      body: SMALL,
    });
    await fake.control.setCredentials([API_KEY, OAUTH_TOKEN]);
    expect([old.status, fresh.status]).toEqual([401, 200]);
  });
});

describe("requests", () => {
  const refusals: [string, object, Record<string, string>, string][] = [
    [
      "a version that does not exist",
      SMALL,
      { "anthropic-version": "2026-10-22" },
      'anthropic-version: "2026-10-22" is not a valid version',
    ],
    [
      "no version",
      SMALL,
      { "anthropic-version": "" },
      'anthropic-version: "" is not a valid version',
    ],
    [
      "a version sent twice",
      SMALL,
      { "anthropic-version": "2023-06-01, 2023-06-01" },
      'anthropic-version: "2023-06-01, 2023-06-01" is not a valid version',
    ],
    ["no max_tokens", { ...SMALL, max_tokens: undefined }, {}, "max_tokens: Field required"],
    ["no messages", { ...SMALL, messages: [] }, {}, "messages: at least one message is required"],
    ["an unknown field", { ...SMALL, nonsense: 1 }, {}, "nonsense: Extra inputs are not permitted"],
    [
      "a beta's field without the beta",
      { ...SMALL, context_management: {} },
      {},
      "context_management: Extra inputs are not permitted",
    ],
    [
      "a beta's tool field without the beta",
      { ...SMALL, tools: [{ name: "a", input_schema: {}, defer_loading: true }] },
      {},
      "tools.0.custom.defer_loading: Extra inputs are not permitted",
    ],
    [
      "a tool call without a result",
      {
        ...SMALL,
        messages: [
          ...SMALL.messages,
          {
            role: "assistant",
            content: [{ type: "tool_use", id: "toolu_1", name: "a", input: {} }],
          },
          { role: "user", content: "well?" },
        ],
      },
      {},
      "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
    ],
    [
      "a result without a call",
      {
        ...SMALL,
        messages: [
          { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "" }] },
        ],
      },
      {},
      "messages.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
    ],
    [
      "a changed thinking block",
      {
        ...SMALL,
        messages: [
          ...SMALL.messages,
          { role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "AAAA" }] },
          { role: "user", content: "go on" },
        ],
      },
      {},
      "messages.1.content.0: Invalid `signature` in `thinking` block",
    ],
    [
      "too many output tokens",
      { ...SMALL, max_tokens: 200_000 },
      {},
      "max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens for claude-sonnet-5-5",
    ],
    [
      "a prompt over the context window",
      {
        ...SMALL,
        model: "claude-haiku-5-5",
        messages: [{ role: "user", content: "a".repeat(900_000) }],
      },
      {},
      "prompt is too long: 225011 tokens > 200000 maximum",
    ],
    [
      "five breakpoints",
      {
        ...SMALL,
        system: Array.from({ length: 5 }, () => ({
          type: "text",
          text: "a",
          cache_control: { type: "ephemeral" },
        })),
      },
      {},
      "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ],
  ];
  test.each(refusals)("with %s are rejected", async (_name, body, headers, message) => {
    const answer = await call(fake.port, { headers: { ...HEADERS, ...headers }, body });
    expect(errorOf(answer)).toEqual({ type: "invalid_request_error", message });
    expect(answer.status).toBe(400);
    expect(answer.headers["x-should-retry"]).toBe("false");
  });

  test("need a version header", async () => {
    const answer = await call(fake.port, { headers: { "x-api-key": API_KEY }, body: SMALL });
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toBe("anthropic-version: header is required");
  });

  const strictly: [string, object][] = [
    ["temperature: Extra inputs are not permitted", { temperature: 1 }],
    ["top_p: Extra inputs are not permitted", { top_p: 1 }],
    ["top_k: Extra inputs are not permitted", { top_k: 1 }],
    [
      "messages.0.content.0.text.citations: Extra inputs are not permitted",
      { messages: [{ role: "user", content: [{ type: "text", text: "a", citations: [{}] }] }] },
    ],
  ];
  test.each(strictly)(
    "are validated by the rules of their version: %s",
    async (message, change) => {
      const body = { ...SMALL, ...change };
      const headers = { ...HEADERS, "anthropic-version": "2026-10-21" };
      const strict = await call(fake.port, { headers, body });
      expect([strict.status, errorOf(strict).message]).toEqual([400, message]);
      expect((await call(fake.port, { body })).status).toBe(200);
    },
  );

  test("may have a beta field with the beta header", async () => {
    const headers = { ...HEADERS, "anthropic-beta": "context-management-2025-06-27" };
    const answer = await call(fake.port, { headers, body: { ...SMALL, context_management: {} } });
    expect(answer.status).toBe(200);
    expect(json(answer).context_management).toEqual({ applied_edits: [] });
  });

  test("that are not JSON are rejected", async () => {
    const answer = await call(fake.port, { body: "{" });
    expect(answer.status).toBe(400);
    expect(errorOf(answer).message).toMatch(/^The request body is not valid JSON: /);
  });

  test("for a model that does not exist get a 404", async () => {
    const answer = await call(fake.port, { body: { ...SMALL, model: "gpt-1" } });
    expect(answer.status).toBe(404);
    expect(errorOf(answer)).toEqual({ type: "not_found_error", message: "model: gpt-1" });
  });

  test("up to 32 MB are accepted; one byte more gets a 413 in Cloudflare's format", async () => {
    const image = (data: string) => ({
      ...SMALL,
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data } },
            { type: "text", text: "what is it?" },
          ],
        },
      ],
    });
    const limit = 32 * 1024 * 1024;
    const frame = JSON.stringify(image("")).length;
    const fits = await call(fake.port, { body: image("A".repeat(limit - frame)) });
    const over = await call(fake.port, { body: image("A".repeat(limit - frame + 1)) });
    const chunked = await call(fake.port, {
      headers: { ...HEADERS, "transfer-encoding": "chunked" },
      body: image("A".repeat(limit - frame + 1)),
    });
    expect(fits.status).toBe(200);
    for (const answer of [over, chunked]) {
      expect(answer.status).toBe(413);
      expect(json(answer)).toEqual({
        error: { type: "request_too_large", message: "Request exceeds the maximum size" },
      });
      expect(answer.headers["request-id"]).toBeUndefined();
      expect(answer.headers.server).toBe("cloudflare");
      expect(answer.headers.via).toBeUndefined();
    }
    const states = (await fake.control.records()).slice(-3).map(({ state }) => state);
    expect(states).toEqual(["finished", "finished", "finished"]);
  });
});

describe("routes", () => {
  test("list the models in pages", async () => {
    const first = json(await call(fake.port, { method: "GET", path: "/v1/models?limit=2" }));
    const ids = (first.data as { id: string }[]).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(first).toMatchObject({ has_more: true, first_id: ids[0], last_id: ids[1] });
    const path = `/v1/models?limit=1000&after_id=${ids[1] ?? ""}`;
    const rest = json(await call(fake.port, { method: "GET", path }));
    expect(rest.has_more).toBe(false);
    expect((rest.data as { id: string }[]).map(({ id }) => id)).not.toContain(ids[1]);
  });

  test("count tokens without max_tokens", async () => {
    const { model, messages } = SMALL;
    const path = "/v1/messages/count_tokens?beta=true";
    const answer = await call(fake.port, { path, body: { model, messages } });
    expect(answer.status).toBe(200);
    expect(Object.keys(json(answer))).toEqual(["input_tokens"]);
    const whole = json(await call(fake.port, { body: SMALL }));
    expect((whole.usage as { input_tokens: number }).input_tokens).toBe(json(answer).input_tokens);
  });

  const others: [string, string, number][] = [
    ["HEAD", "/", 404],
    ["HEAD", "/api/hello", 200],
    ["GET", "/api/claude_code/policy_limits", 404],
    ["GET", "/api/claude_code/settings", 404],
    ["GET", "/v1/messages", 405],
    ["GET", "/health", 404],
    ["GET", "/records", 404],
    ["POST", "/reset", 404],
  ];
  test.each(others)("answer %s %s with %i", async (method, path, status) => {
    const answer = await call(fake.port, { method, path });
    expect(answer.status).toBe(status);
    if (method === "HEAD") expect(answer.body).toBe("");
    else expect(json(answer).type).toBe("error");
  });
});
