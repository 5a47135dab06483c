import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
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
import { open, read, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { rendered, secrets } from "./gateways.ts";
import {
  args,
  COST,
  cut,
  JSON_TYPE,
  POST,
  USAGE,
  useMeteredEnvoy,
  WHOLE,
} from "./metered-envoy.ts";

const meter = useMeteredEnvoy();

const BEGUN = messageStart({ ...USAGE, output_tokens: 1 }) + textDelta("x".repeat(400));
const ESTIMATE = counted(100, 101, 0.001815, { estimated: true });

describe("a stream that does not end", () => {
  /** Lets the upstream write, then do something with the open response. */
  function beginWith(text: string, then: (destroy: () => void) => void): void {
    meter.upstream.handle = (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(text, () => {
        then(() => response.destroy());
      });
    };
  }

  async function begun(text: string): Promise<{ session: string; leave: () => void }> {
    beginWith(text, () => undefined);
    const { session, headers } = meter.sessionHeaders();
    const request = open(meter.envoy.ports.agents, { headers: [...POST, ...headers] });
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
    return await meter.usage(session);
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
    const { session, headers } = meter.sessionHeaders();
    await expect(send(meter.envoy.ports.agents, { headers })).rejects.toThrow();
    expect(await meter.usage(session)).toEqual(ESTIMATE);
  });

  test("costs an estimate if it ends with an error event", async () => {
    meter.answerWith({ chunks: [BEGUN, event({ type: "error", error: { type: "api_error" } })] });
    expect((await meter.metered()).usage).toEqual(ESTIMATE);
  });

  test("is not cut by a change of prices, and keeps its price", async () => {
    let finish: () => void = () => undefined;
    meter.upstream.handle = (request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(messageStart({ ...USAGE, output_tokens: 1 }));
      finish = () => response.end(messageEnd({ output_tokens: 20 }));
    };
    const { session, headers } = meter.sessionHeaders();
    const request = open(meter.envoy.ports.agents, { headers: [...POST, ...headers] });
    request.end();
    const response = await responseOf(request);
    const prices = priceTable({ "claude-sonnet-4-5": { input: 30 } });
    await meter.envoy.updateSecrets(renderEnvoySecrets({ ...args, prices }, secrets));
    await eventually(
      () => meter.envoy.stat("http.agents.rds.agent-routes.config_reload"),
      (count) => count >= 2,
    );
    finish();
    expect((await read(response)).body.toString()).toContain("message_stop");
    const line = await meter.envoy.logged((entry) => entry.session_id === session);
    expect(usageOf(line)).toEqual(counted(100, 20, COST));

    meter.answerWith({ chunks: [stream(USAGE)] });
    await eventually(
      async () => (await meter.metered()).usage.cost_usd,
      (cost) => cost === 0.0033,
    );
    await meter.envoy.updateSecrets(renderEnvoySecrets(args, secrets));
    await eventually(
      async () => (await meter.metered()).usage.cost_usd,
      (cost) => cost === COST,
    );
  });
});

describe("requests do not mix", () => {
  test("on two streams at a time", async () => {
    meter.upstream.handle = (request, response) => {
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
      [1000, 2000].map((input) => meter.metered({ headers: [["x-input", String(input)]] })),
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
      meter.answerWith(answer);
      const { session, headers } = meter.sessionHeaders();
      const request = open(meter.envoy.ports.agents, { headers: [...POST, ...headers], agent });
      request.end();
      await read(await responseOf(request));
      usages.push(await meter.usage(session));
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
  expect(await meter.envoy.stat("http.agents.lua.meter.errors")).toBe(0);
  const files = rendered(args);
  const planted = JSON.stringify(files.config).replace(
    "on_delta(name, length)",
    "on_delta(name, length) error('planted')",
  );
  const broken = await Envoy.start({
    ...files,
    config: JSON.parse(planted) as Record<string, string>,
    hosts: { "api.anthropic.com:443": meter.upstream.port },
  });
  try {
    meter.answerWith({ chunks: [WHOLE] });
    const { session, headers } = meter.sessionHeaders();
    const response = await send(broken.ports.agents, { headers });
    expect(response.body.toString()).toBe(WHOLE);
    expect(await broken.stat("http.agents.lua.meter.errors")).toBe(1);
    const line = await broken.logged((entry) => entry.session_id === session);
    expect(line).toMatchObject({ metering: "metered", estimated: true, model: MODEL });
  } finally {
    await broken.stop();
  }
});
