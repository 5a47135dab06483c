import { beforeEach, describe, expect, test } from "vitest";

import type { ContentBlock, MessagesRequest } from "../../../lab/anthropic/messagesRequest.ts";
import { findModel } from "../../../lab/anthropic/models.ts";
import { type InputUsage, PromptCache, totalInput } from "../../../lab/anthropic/promptCache.ts";

const MODEL = "claude-sonnet-5-5";
let nowMs: number;
let cache: PromptCache;
beforeEach(() => {
  nowMs = 0;
  cache = new PromptCache(() => nowMs);
});

function text(words: string, ttl?: "5m" | "1h"): ContentBlock {
  return {
    type: "text",
    text: words,
    ...(ttl === undefined ? {} : { cache_control: { type: "ephemeral", ttl } }),
  };
}

const LONG = "word ".repeat(2000);

function prompt(system: ContentBlock[], ...user: ContentBlock[]): MessagesRequest {
  const content = user.length === 0 ? [text("hello")] : user;
  return { model: MODEL, max_tokens: 10, system, messages: [{ role: "user", content }] };
}

function send(request: MessagesRequest): InputUsage {
  const model = findModel(request.model);
  if (model === undefined) throw new Error(request.model);
  const plan = cache.plan(request, model);
  plan.commit();
  return plan.usage;
}

describe("PromptCache", () => {
  test("writes a marked prefix once and reads it after", () => {
    const first = send(prompt([text(LONG, "5m")]));
    const second = send(prompt([text(LONG, "5m")]));
    expect(first).toMatchObject({ cacheRead: 0, cacheCreation1h: 0 });
    expect(first.cacheCreation5m).toBeGreaterThan(2000);
    expect(second).toEqual({ ...first, cacheRead: first.cacheCreation5m, cacheCreation5m: 0 });
    expect(totalInput(second)).toBe(totalInput(first));
    expect(second.input).toBeGreaterThan(0);
  });

  test("does not cache a prompt without cache_control", () => {
    send(prompt([text(LONG)]));
    expect(send(prompt([text(LONG)]))).toMatchObject({ cacheRead: 0, cacheCreation5m: 0 });
  });

  test("ignores a prefix below the model's minimum", () => {
    const short = prompt([text("word ".repeat(100), "5m")]);
    send(short);
    expect(send(short)).toMatchObject({ cacheRead: 0, cacheCreation5m: 0 });
  });

  test("reads nothing when one character before the marker differs", () => {
    send(prompt([text(LONG, "5m")]));
    expect(send(prompt([text(`${LONG}.`, "5m")])).cacheRead).toBe(0);
  });

  test("ignores the order of a block's fields, but not the key order of a tool's schema", () => {
    const schema = { type: "object", properties: {} };
    const tool = { name: "a", description: LONG, input_schema: schema };
    const marked = { cache_control: { type: "ephemeral" } };
    const request = { ...prompt([]), tools: [{ ...tool, ...marked }] };
    send(request);
    const { name, description, input_schema } = tool;
    const reordered = { ...marked, input_schema, description, name };
    expect(send({ ...request, tools: [reordered] }).cacheRead).toBeGreaterThan(2000);
    const other = { ...tool, ...marked, input_schema: { properties: {}, type: "object" } };
    expect(send({ ...request, tools: [other] }).cacheRead).toBe(0);
  });

  test("renders tools before system before messages", () => {
    const tools = [{ name: "a", input_schema: {} }];
    send({ ...prompt([text(LONG, "5m")]), tools });
    expect(
      send({ ...prompt([text(LONG, "5m")]), tools: [{ name: "b", input_schema: {} }] }).cacheRead,
    ).toBe(0);
    expect(send({ ...prompt([text(LONG, "5m")], text("other")), tools }).cacheRead).toBeGreaterThan(
      0,
    );
  });

  test("treats a string like one text block", () => {
    const messages = [{ role: "user" as const, content: "hello" }];
    send({ ...prompt([]), messages, system: LONG, cache_control: { type: "ephemeral" } });
    const request = prompt([text(LONG)], text("hello", "5m"));
    expect(send(request).cacheRead).toBeGreaterThan(2000);
  });

  test("grows with a conversation: reads the turn before and writes the new part", () => {
    const one = prompt([text(LONG, "5m")], text("first", "5m"));
    const written = send(one).cacheCreation5m;
    const two: MessagesRequest = {
      ...one,
      messages: [
        { role: "user", content: [text("first")] },
        { role: "assistant", content: [text("an answer")] },
        { role: "user", content: [text("second", "5m")] },
      ],
    };
    const usage = send(two);
    expect(usage.cacheRead).toBe(written);
    expect(usage.cacheCreation5m).toBeGreaterThan(0);
    expect(usage.cacheCreation5m).toBeLessThan(100);
  });

  test.each([
    [19, true],
    [20, true],
    [21, false],
  ])("finds an entry %i blocks before its marker: %s", (blocks, found) => {
    const base = [text(LONG)];
    send(prompt([], text(LONG, "5m")));
    const more = Array.from({ length: blocks }, (_, index) => text(`block ${index}`));
    const last = more.pop();
    const request = prompt([], ...base, ...more, text(String(last?.text), "5m"));
    expect(send(request).cacheRead > 0).toBe(found);
  });

  test("splits writes by time to live, and each expires at its own time", () => {
    const request = prompt([text(LONG, "1h"), text(LONG, "5m")]);
    const usage = send(request);
    expect(usage.cacheCreation1h).toBeGreaterThan(2000);
    expect(usage.cacheCreation5m).toBe(usage.cacheCreation1h);
    nowMs += 300_000;
    expect(send(request)).toMatchObject({
      cacheRead: usage.cacheCreation1h,
      cacheCreation5m: usage.cacheCreation5m,
      cacheCreation1h: 0,
    });
    nowMs += 3_600_000;
    expect(send(request)).toEqual(usage);
  });

  test("keeps an entry alive as long as it is read", () => {
    const request = prompt([text(LONG, "5m")]);
    send(request);
    for (let reads = 0; reads < 3; reads++) {
      nowMs += 299_999;
      expect(send(request).cacheRead).toBeGreaterThan(0);
    }
    nowMs += 300_000;
    expect(send(request).cacheRead).toBe(0);
  });

  test("rejects a 1h cache_control after a 5m one", () => {
    expect(() => send(prompt([text(LONG, "5m"), text(LONG, "1h")]))).toThrow(
      "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.",
    );
  });

  test("is separate for each model", () => {
    send(prompt([text(LONG, "5m")]));
    expect(send({ ...prompt([text(LONG, "5m")]), model: "claude-opus-5-5" }).cacheRead).toBe(0);
  });

  test("keeps system but not messages when thinking changes", () => {
    const request = prompt([text(LONG, "5m")], text(LONG, "5m"));
    const { cacheCreation5m } = send(request);
    const usage = send({ ...request, thinking: { type: "adaptive" } });
    expect(usage.cacheRead).toBeGreaterThan(0);
    expect(usage.cacheRead).toBeLessThan(cacheCreation5m);
  });

  test("ignores Claude Code's attribution block if it is first and separate", () => {
    const attribution = (session: string) =>
      text(`x-anthropic-billing-header: cc_version=1.${session}; cc_entrypoint=cli;`);
    send(prompt([attribution("a"), text(LONG, "5m")]));
    expect(send(prompt([attribution("b"), text(LONG, "5m")])).cacheRead).toBeGreaterThan(0);
    expect(send(prompt([text(LONG, "5m")])).cacheRead).toBeGreaterThan(0);
    expect(send(prompt([text("own"), attribution("a"), text(LONG, "5m")])).cacheRead).toBe(0);
    const merged = text(`${String(attribution("a").text)}\n${LONG}`, "5m");
    expect(totalInput(send(prompt([merged])))).toBeLessThan(100);
  });

  test("does not return a new entry to other requests before the answer to the first begins", () => {
    const model = findModel(MODEL);
    if (model === undefined) throw new Error(MODEL);
    cache.plan(prompt([text(LONG, "5m")]), model);
    expect(send(prompt([text(LONG, "5m")])).cacheRead).toBe(0);
  });
});
