import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { call, HEADERS, json, SMALL, startFake } from "./harness.ts";

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake();
});
afterEach(() => fake.control.reset());
afterAll(() => fake.stop());

const TEXT = "a".repeat(400);
const CACHED = {
  ...SMALL,
  system: [
    {
      type: "text",
      text: "s".repeat(8000),
      cache_control: { type: "ephemeral", ttl: "1h" },
    },
  ],
  messages: [{ role: "user", content: `say: ${TEXT}` }],
};

async function recorded() {
  return (await fake.control.waitFor(({ state }) => state === "finished")).usage;
}

test("of a JSON answer equals the answer's own usage", async () => {
  const { usage } = json(await call(fake.port, { body: CACHED })) as {
    usage: Record<string, unknown>;
  };
  expect(usage).toMatchObject({ input_tokens: 112, output_tokens: 100 });
  expect(await recorded()).toEqual({
    model: SMALL.model,
    input_tokens: usage.input_tokens,
    cache_read_input_tokens: 0,
    cache_creation: usage.cache_creation,
    output_tokens: usage.output_tokens,
    complete: true,
  });
});

test("of a complete stream equals the usage of its last delta, with cached input separate", async () => {
  await call(fake.port, { body: CACHED });
  await fake.control.clearRecords();
  const { body } = await call(fake.port, { body: { ...CACHED, stream: true } });
  expect(body).toContain('"output_tokens":100');
  const usage = await recorded();
  expect(usage).toMatchObject({ input_tokens: 112, output_tokens: 100, complete: true });
  expect(usage?.cache_read_input_tokens).toBeGreaterThan(1999);
  expect(usage?.cache_creation).toEqual({
    ephemeral_5m_input_tokens: 0,
    ephemeral_1h_input_tokens: 0,
  });
});

test("of a stream whose client disconnects is what was sent until then", async () => {
  await fake.control.push({ action: { kind: "message", gapMs: 60_000 } });
  const left = new AbortController();
  const response = await fetch(`${fake.url}/v1/messages`, {
    method: "POST",
    headers: { ...HEADERS, "accept-encoding": "identity" },
    body: JSON.stringify({ ...CACHED, stream: true }),
    signal: left.signal,
  });
  await response.body?.getReader().read();
  left.abort();
  const { usage } = await fake.control.waitFor(({ state }) => state === "aborted");
  expect(usage).toMatchObject({ input_tokens: 112, output_tokens: 1, complete: false });
});

test("is null if nothing is charged: for token counting, errors and scripted bytes", async () => {
  const { model, messages } = SMALL;
  await call(fake.port, { path: "/v1/messages/count_tokens", body: { model, messages } });
  await call(fake.port, { body: { ...SMALL, model: "gpt-1" } });
  await fake.control.push({ action: { kind: "frames", frames: [{ text: "x" }] } });
  await call(fake.port, { body: SMALL });
  expect((await fake.control.records()).map(({ usage }) => usage)).toEqual([null, null, null]);
});
