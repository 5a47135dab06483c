import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_REQUEST_BYTES } from "../../components/gateway/api/endpoints.ts";
import { open, type Response, responseOf, read, send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { message, passed, refused, unreadable, withTool } from "./server-fetch-bodies.ts";
import { Upstream } from "./upstream.ts";

/** The filter in the real Envoy: what goes on, what is refused, and that nothing refused is complete at the API. */
let upstream: Upstream;
let envoy: Envoy;
/** The same without the filter. */
let unfiltered: Envoy;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  const hosts = { "api.anthropic.com:443": upstream.port };
  envoy = await Envoy.start({ ...rendered({ ...terminate, serverFetch: "deny" }), hosts });
  unfiltered = await Envoy.start({ ...rendered({ ...terminate, serverFetch: "allow" }), hosts });
});

afterAll(async () => {
  await envoy.stop();
  await unfiltered.stop();
  await upstream.stop();
});

beforeEach(() => {
  upstream.received.length = 0;
});

const OF_DEV_E = ["x-api-key", TOKEN_A] as const;

function post(
  body: string | Buffer,
  more: readonly (readonly [string, string])[] = [],
  to = envoy,
): Promise<Response> {
  return send(to.ports.agents, { headers: [OF_DEV_E, ...more], body });
}

/** Sends a body in chunks, without a length. */
async function postChunks(chunks: readonly (string | Buffer)[]): Promise<Response> {
  const request = open(envoy.ports.agents, { headers: [["Host", "gateway"], OF_DEV_E] });
  const response = responseOf(request);
  request.on("error", () => undefined);
  for (const chunk of chunks) {
    request.write(chunk);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  request.end();
  return read(await response);
}

describe("a request is refused for", () => {
  test.each(refused)("%s", async (_, body, field) => {
    const response = await post(body);
    expect(response.status).toBe(403);
    expect(response.headers["content-type"]).toBe("application/json");
    const { type, error } = JSON.parse(response.body.toString()) as {
      type: string;
      error: { type: string; message: string };
    };
    expect([type, error.type]).toEqual(["error", "permission_error"]);
    expect(error.message.startsWith(`gateway: ${field} `)).toBe(true);
    expect(error.message).toContain("egress.serverFetch is deny");
    expect(upstream.received).toEqual([]);
  });

  test.each(refused)("%s, and would arrive without the filter", async (_, body) => {
    expect((await post(body, [], unfiltered)).status).toBe(200);
    expect(upstream.takeOne().body.toString()).toBe(body);
  });

  test("any of these, wherever the body is cut into two pieces", async () => {
    for (const [, body] of refused.filter(([, body]) => body.length < 150).slice(0, 6)) {
      for (let at = 1; at < body.length; at += 7) {
        expect(
          (await postChunks([body.slice(0, at), body.slice(at)])).status,
          body.slice(0, at),
        ).toBe(403);
      }
    }
    expect(upstream.received).toEqual([]);
  });

  test.each([
    [
      "first",
      `{"tools":[{"type":"web_search_20250305"}],"pad":"${"x".repeat(MAX_REQUEST_BYTES - 100)}"}`,
    ],
    [
      "last",
      `{"pad":"${"x".repeat(MAX_REQUEST_BYTES - 100)}","tools":[{"type":"web_search_20250305"}]}`,
    ],
  ])("a field that comes %s in 32 MiB", async (_, body) => {
    expect(body.length).toBeLessThanOrEqual(MAX_REQUEST_BYTES);
    expect((await post(body)).status).toBe(403);
    expect(upstream.received).toEqual([]);
  });
});

test("a refusal leaves one line with the agent and the field, costs nothing, and keeps the connection's next request whole", async () => {
  await post(withTool('{"type":"web_search_20250305"}'), [["x-claude-code-session-id", "refused"]]);
  const line = await envoy.logged(({ session_id }) => session_id === "refused");
  expect(line).toMatchObject({
    ...{ agent: "dev-e", status: 403, refused_field: "tools[].type", metering: "free" },
    cost_usd: null,
  });
  const body = message('"after"');
  await post(body, [["x-claude-code-session-id", "after"]]);
  expect(upstream.takeOne().body.toString()).toBe(body);
  expect(await envoy.logged(({ session_id }) => session_id === "after")).toMatchObject({
    ...{ status: 200, refused_field: null },
  });
  expect(envoy.accessLog.filter(({ session_id }) => session_id === "refused")).toHaveLength(1);
});

test("a tool's name cannot break the answer's JSON", async () => {
  const { body } = await post(withTool(String.raw`{"type":"a\"b\u0007%REQ(:path)%"}`));
  const { error } = JSON.parse(body.toString()) as { error: { message: string } };
  expect(error.message).toMatch(/^gateway: tools\[\]\.type a\?b\?\?REQ\?\?path\?\? can make/);
});

test.each(["gzip", "zstd", "br", "identity, gzip"])("a body in %s is refused", async (encoding) => {
  const { status, body } = await post(gzipSync("{}"), [["Content-Encoding", encoding]]);
  expect(status).toBe(403);
  expect(body.toString()).toContain("gateway: a compressed body cannot be checked");
  expect(upstream.received).toEqual([]);
});

test.each(unreadable)("a body that cannot be read is refused: %s", async (_, body) => {
  const response = await post(body);
  const { error } = JSON.parse(response.body.toString()) as { error: object };
  expect([response.status, error]).toEqual([
    400,
    {
      type: "invalid_request_error",
      message: expect.stringMatching(/^gateway: the body cannot be checked, because it/) as string,
    },
  ]);
  expect(upstream.received).toEqual([]);
});

test.each(passed)("a request goes on unchanged: %s", async (_, body) => {
  expect((await post(body)).status).toBe(200);
  expect(upstream.takeOne().body.toString()).toBe(body);
});

test("32 MiB go on unchanged, and one byte more without a length is refused", async () => {
  const start = '{"messages":"';
  const body = `${start}${"x".repeat(MAX_REQUEST_BYTES - start.length - 2)}"}`;
  expect((await post(body)).status).toBe(200);
  expect(upstream.takeOne().body.equals(Buffer.from(body))).toBe(true);
  expect((await postChunks([body, " "])).status).toBe(413);
});

describe("for any JSON", () => {
  const word = fc.constantFrom(
    "mcp_servers",
    "tools",
    "messages",
    "system",
    "source",
    "type",
    "url",
    "input",
    "content",
    "web_search_20250305",
    "custom",
    'a"\\',
    "é\n",
  );
  const json = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      word,
      fc.constantFrom(null, 1.5, true),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(word, tie("value"), { maxKeys: 5 }),
    ),
  })).value;

  /** What the filter must find, by a reading of the whole. */
  function finds(request: Readonly<Record<string, unknown>>): boolean {
    const isObject = (value: unknown): value is Record<string, unknown> =>
      typeof value === "object" && value !== null;
    const inTools = (value: unknown): boolean =>
      Array.isArray(value)
        ? value.some(inTools)
        : isObject(value) && typeof value.type === "string" && value.type !== "custom";
    const inContent = (value: unknown, isSource: boolean): boolean => {
      if (Array.isArray(value)) return value.some((each) => inContent(each, isSource));
      if (!isObject(value)) return false;
      return Object.entries(value).some(([key, inner]) => {
        if (isSource) return key === "type" ? inner === "url" : inContent(inner, false);
        return key !== "input" && inContent(inner, key === "source");
      });
    };
    return (
      "mcp_servers" in request ||
      inTools(request.tools) ||
      inContent(request.messages, false) ||
      inContent(request.system, false)
    );
  }

  /** JSON with some signs of its strings as escapes. */
  const escaped = (value: unknown, every: number) => {
    let count = 0;
    return JSON.stringify(value).replace(/[a-z_]/g, (sign, at: number, text: string) =>
      count++ % every === 0 &&
      text[at - 1] !== "\\" &&
      !/^(true|null)/.test(text.slice(at)) &&
      !/(tru|tr|t|nul|nu|n)$/.test(text.slice(0, at))
        ? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`
        : sign,
    );
  };

  test("the answer is 403 exactly if a reading of the whole finds something", async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(word, json, { maxKeys: 5 }),
        fc.integer({ min: 1, max: 9 }),
        async (request, every) => {
          const body = escaped(request, every);
          expect(JSON.parse(body)).toEqual(request);
          const expected = finds(request);
          if (expected) found += 1;
          expect((await post(body)).status).toBe(expected ? 403 : 200);
        },
      ),
      { numRuns: 400 },
    );
    expect(found).toBeGreaterThan(20);
  });
});
