import type { ServerResponse } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_ERROR_BODY_BYTES } from "../../components/gateway/native-errors/filter.ts";
import { open, read, responseOf, send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  PLACEHOLDER,
  REAL_KEY,
  rendered,
  shim,
  TOKEN_A,
} from "./gateways.ts";
import {
  OWN_ERRORS,
  SHAPED_ERRORS,
  UPSTREAM_ERROR,
  UPSTREAM_ODD_ERRORS,
  WRAPPED,
  WRAPPED_STREAMED,
  wrappedBy191,
} from "./litellm-bodies.ts";
import { Upstream } from "./upstream.ts";

let litellm: Upstream;
let anthropic: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  litellm = await Upstream.start();
  anthropic = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...rendered(shim),
    hosts: {
      [`${shim.litellmHost}:4000`]: litellm.port,
      "api.anthropic.com:443": anthropic.port,
    },
  });
});

afterAll(async () => {
  expect(envoy.stderr).not.toContain("script log");
  await envoy.stop();
  await litellm.stop();
  await anthropic.stop();
});

beforeEach(() => {
  for (const upstream of [litellm, anthropic]) {
    upstream.received.length = 0;
    upstream.handle = undefined;
  }
});

/** What an agent gets when LiteLLM gives this answer. */
async function through(respond: (response: ServerResponse) => void) {
  litellm.handle = (request, response) => {
    request.resume().on("end", () => {
      respond(response);
    });
  };
  return send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]], body: "{}" });
}

function declared(status: number, body: string | Buffer, headers: Record<string, string> = {}) {
  return through((response) => {
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...headers,
    });
    response.end(body);
  });
}

function chunked(status: number, body: string | Buffer, headers: Record<string, string> = {}) {
  return through((response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    const bytes = Buffer.from(body);
    for (let i = 0; i < bytes.length; i += 60_000) response.write(bytes.subarray(i, i + 60_000));
    response.end();
  });
}

describe("requests to LiteLLM", () => {
  test("have the internal token instead of the agent's, and the path with its prefix", async () => {
    const { status } = await send(envoy.ports.agents, {
      path: "/anthropic/v1/messages?beta=true",
      headers: [
        ["authorization", `Bearer ${TOKEN_A}`],
        ["x-api-key", TOKEN_A],
        ["x-litellm-api-key", "sk-1"],
        ["x-pass-x-api-key", "sk-2"],
        ["Anthropic-Beta", "b,a"],
      ],
    });
    expect(status).toBe(200);
    const request = litellm.takeOne();
    expect(request.url).toBe("/anthropic/v1/messages?beta=true");
    expect([...request.headers].sort()).toEqual([
      ["Anthropic-Beta", "b,a"],
      ["Content-Length", "0"],
      ["Host", shim.litellmHost],
      ["authorization", `Bearer ${INTERNAL_TOKEN}`],
    ]);
  });
});

describe("requests from LiteLLM to the upstream", () => {
  test("are what LiteLLM sent, with the real key instead of its placeholder and its caller's token", async () => {
    const body = Buffer.from('{"a": 1}');
    const { status } = await send(envoy.ports.egress, {
      path: "/v1/messages?beta=true",
      headers: [
        ["authorization", `Bearer ${INTERNAL_TOKEN}`],
        ["x-api-key", PLACEHOLDER],
        ["x-litellm-call-id", "1"],
        ["Anthropic-Beta", "b,a"],
      ],
      body,
    });
    expect(status).toBe(200);
    const request = anthropic.takeOne();
    expect([request.url, request.body]).toEqual(["/v1/messages?beta=true", body]);
    expect([...request.headers].sort()).toEqual([
      ["Anthropic-Beta", "b,a"],
      ["Content-Length", "8"],
      ["Host", "api.anthropic.com"],
      ["x-api-key", REAL_KEY],
    ]);
  });

  test("are refused on other routes", async () => {
    const { status } = await send(envoy.ports.egress, {
      path: "/v1/files",
      headers: [["x-api-key", PLACEHOLDER]],
    });
    expect([status, anthropic.received]).toEqual([404, []]);
  });

  test.each<{ shown: string; headers: [string, string][] }>([
    { shown: "nothing", headers: [] },
    { shown: "another key", headers: [["x-api-key", `${PLACEHOLDER}0`]] },
    { shown: "a part of the placeholder", headers: [["x-api-key", PLACEHOLDER.slice(0, -1)]] },
    { shown: "the real key", headers: [["x-api-key", REAL_KEY]] },
    { shown: "an agent's token", headers: [["x-api-key", TOKEN_A]] },
    { shown: "Envoy's token", headers: [["authorization", `Bearer ${INTERNAL_TOKEN}`]] },
    { shown: "the placeholder as a token", headers: [["authorization", `Bearer ${PLACEHOLDER}`]] },
  ])("are refused if they show $shown", async ({ headers }) => {
    const { status, body } = await send(envoy.ports.egress, { path: "/v1/messages", headers });
    expect([status, body.toString(), anthropic.received]).toEqual([
      401,
      '{"type":"error","error":{"type":"authentication_error","message":"gateway: this is not LiteLLM\'s key"}}',
      [],
    ]);
  });
});

describe("errors of the upstream", () => {
  test.each([
    { what: "wrapped, LiteLLM 1.91.0", body: WRAPPED },
    { what: "wrapped as Python bytes, LiteLLM 1.91.0 with streaming", body: WRAPPED_STREAMED },
  ])("$what: arrive byte for byte", async ({ body }) => {
    const response = await declared(529, body, { "x-litellm-call-id": "1" });
    expect([response.status, response.body.toString()]).toEqual([529, UPSTREAM_ERROR]);
    expect(response.headers).toMatchObject({
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(UPSTREAM_ERROR)),
      "request-id": "req_2",
    });
    expect(Object.keys(response.headers).filter((name) => name.startsWith("x-litellm"))).toEqual(
      [],
    );
    const again = await chunked(529, body);
    expect([again.status, again.body.toString()]).toEqual([529, UPSTREAM_ERROR]);
  });

  test("arrive with the upstream's status if LiteLLM changed it", async () => {
    const response = await declared(500, WRAPPED);
    expect([response.status, response.body.toString()]).toEqual([529, UPSTREAM_ERROR]);
  });

  test("with any text arrive byte for byte, however LiteLLM wrapped them", async () => {
    const words = fc.array(
      fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("'", '"', "\\", "\\x41", "\n\r\t")),
    );
    await fc.assert(
      fc.asyncProperty(words, fc.boolean(), async (parts, streamed) => {
        const error = JSON.stringify({
          type: "error",
          error: { type: "x", message: parts.join("") },
        });
        const message = streamed ? pythonRepr(Buffer.from(error)) : error;
        const envelope = { error: { message, type: "None", param: "None", code: "400" } };
        for (const respond of [declared, chunked]) {
          const response = await respond(400, JSON.stringify(envelope));
          expect([response.status, response.body.toString()]).toEqual([400, error]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    { what: "native", body: UPSTREAM_ERROR, type: "application/json" },
    {
      what: "native with unusual whitespace",
      body: ` ${UPSTREAM_ERROR}\n`,
      type: "application/json",
    },
    { what: "JSON that is not an error", body: '{"a":1}', type: "application/json" },
    { what: "JSON that is not an object", body: '"text"', type: "application/json" },
    { what: "an error that is a string", body: '{"error":"x"}', type: "application/json" },
    {
      what: "an error without a message",
      body: '{"error":{"code":"x"}}',
      type: "application/json",
    },
    { what: "cut off", body: WRAPPED.slice(0, -1), type: "application/json" },
    { what: "not UTF-8", body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), type: "application/json" },
    { what: "empty", body: "", type: "application/json" },
    {
      what: "nested too deeply",
      body: "[".repeat(5000) + "]".repeat(5000),
      type: "application/json",
    },
    { what: "HTML", body: "<html>", type: "text/html" },
    { what: "a stream of events", body: `data: ${WRAPPED}\n\n`, type: "text/event-stream" },
    { what: "text from the upstream", body: "error code: 520", type: "text/plain" },
  ])("$what: are not changed", async ({ body, type }) => {
    const headers = { "content-type": type, "x-litellm-call-id": "1", "request-id": "req_9" };
    for (const response of [
      await declared(529, body, headers),
      await chunked(529, body, headers),
    ]) {
      expect([response.status, response.body]).toEqual([529, Buffer.from(body)]);
      expect(response.headers).toMatchObject({ "content-type": type, "request-id": "req_9" });
    }
  });

  test.each(UPSTREAM_ODD_ERRORS)("$status $body: arrive unchanged", async ({ status, body }) => {
    for (const header of ["request-id", "cf-ray"]) {
      const headers = { [header]: "id", "x-litellm-call-id": "1" };
      for (const response of [
        await declared(status, body, headers),
        await chunked(status, body, headers),
      ]) {
        expect([response.status, response.body.toString()]).toEqual([status, body]);
        expect(response.headers).toMatchObject({ [header]: "id" });
        expect(response.headers).not.toHaveProperty("x-should-retry");
      }
    }
    for (const streamed of [false, true]) {
      const response = await declared(status, wrappedBy191(status, body, streamed));
      expect([response.status, response.body.toString()]).toEqual([status, body]);
      expect(response.headers).not.toHaveProperty("x-should-retry");
    }
  });

  test("without LiteLLM's `code` arrive unchanged, even without a request id", async () => {
    const { status, body } = { status: 403, ...UPSTREAM_ODD_ERRORS[0] };
    for (const response of [
      await declared(status, body ?? ""),
      await chunked(status, body ?? ""),
    ]) {
      expect([response.status, response.body.toString()]).toEqual([status, body]);
    }
  });

  test("in plain text with a request id arrive unchanged", async () => {
    for (const respond of [declared, chunked]) {
      const headers = { "content-type": "text/plain", "cf-ray": "id" };
      const response = await respond(520, "error code: 520", headers);
      expect([response.status, response.body.toString()]).toEqual([520, "error code: 520"]);
      expect(response.headers["content-type"]).toBe("text/plain");
    }
  });

  test("with a content encoding are not changed", async () => {
    const response = await declared(529, WRAPPED, { "content-encoding": "br" });
    expect(response.body.toString()).toBe(WRAPPED);
  });

  test("for a HEAD request have no body and are not changed", async () => {
    const { status, body } = await send(envoy.ports.agents, { method: "HEAD" });
    expect([status, body.length]).toEqual([405, 0]);
  });
});

describe("errors of LiteLLM", () => {
  test.each(OWN_ERRORS)("$what: get Anthropic's format", async (own) => {
    const response = await declared(own.status, own.body, { "content-type": own.contentType });
    expect([response.status, response.body.toString()]).toEqual([
      own.shaped.status,
      JSON.stringify({
        type: "error",
        error: { type: own.shaped.type, message: `LiteLLM: ${own.shaped.message}` },
      }),
    ]);
    expect(response.headers["content-type"]).toBe("application/json");
    expect(response.headers["x-should-retry"]).toBe(own.retry);
  });

  test.each(SHAPED_ERRORS)(
    "already in Anthropic's format are not changed: $body",
    async (error) => {
      const headers = { "x-litellm-call-id": "1", "x-should-retry": "true" };
      for (const respond of [declared, chunked]) {
        const response = await respond(error.status, error.body, headers);
        expect([response.status, response.body.toString()]).toEqual([error.status, error.body]);
        expect(response.headers["x-should-retry"]).toBe("true");
        const unmarked = await respond(error.status, error.body);
        expect(unmarked.headers).not.toHaveProperty("x-should-retry");
      }
    },
  );

  test("of unknown length, in plain text, get Anthropic's format and keep their status", async () => {
    for (const text of ["Internal Server Error", "x".repeat(2 * MAX_ERROR_BODY_BYTES)]) {
      const response = await chunked(500, text, { "content-type": "text/plain; charset=utf-8" });
      expect([response.status, response.headers["content-type"]]).toEqual([
        500,
        "application/json",
      ]);
      const message = `LiteLLM: ${text.slice(0, MAX_ERROR_BODY_BYTES)}`;
      expect(response.body.toString()).toBe(
        JSON.stringify({ type: "error", error: { type: "api_error", message } }),
      );
    }
  });

  test("get Anthropic's format if the result fits the listener's buffer, and are not changed otherwise", async () => {
    const answered = (length: number) =>
      declared(400, "\x01".repeat(length), { "content-type": "text/plain" });
    const shape = (length: number) =>
      JSON.stringify({
        type: "error",
        error: { type: "invalid_request_error", message: `LiteLLM: ${"\x01".repeat(length)}` },
      });
    const most = Math.floor((2 * MAX_ERROR_BODY_BYTES - shape(0).length) / "\\u0001".length);
    const shaped = await answered(most);
    expect([shaped.status, shaped.body.toString() === shape(most)]).toEqual([400, true]);
    const left = await answered(most + 1);
    expect([left.status, left.headers["content-type"]]).toEqual([400, "text/plain"]);
    expect(left.body.equals(Buffer.alloc(most + 1, 1))).toBe(true);
  });

  test("if LiteLLM is down, the gateway answers with its own error", async () => {
    litellm.handle = (_request, response) => response.destroy();
    const response = await send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]] });
    expect([response.status, response.body.toString()]).toEqual([
      502,
      '{"type":"error","error":{"type":"api_error","message":"gateway: the upstream cannot be reached"}}',
    ]);
  });
});

describe("size", () => {
  const wrapped = (length: number) => {
    const [start, end] = ['{"error":{"message":"', '","type":"None","code":"500"}}'];
    return start + "x".repeat(length - start.length - end.length) + end;
  };

  test("an error of 32 KiB is rewritten", async () => {
    const body = wrapped(MAX_ERROR_BODY_BYTES);
    expect(body).toHaveLength(MAX_ERROR_BODY_BYTES);
    for (const response of [await declared(500, body), await chunked(500, body)]) {
      const { error } = JSON.parse(response.body.toString()) as { error: { message: string } };
      expect(/^LiteLLM: x{32700,}$/.test(error.message)).toBe(true);
    }
  });

  test.each([1, 4 * MAX_ERROR_BODY_BYTES, 1024 * 1024])(
    "an error of 32 KiB and %i bytes is not changed",
    async (more) => {
      const body = wrapped(MAX_ERROR_BODY_BYTES + more);
      for (const response of [await declared(500, body), await chunked(500, body)]) {
        expect([response.status, response.body.toString() === body]).toEqual([500, true]);
      }
    },
  );

  test("an error of unknown length is streamed unchanged once it exceeds 32 KiB", async () => {
    let end: (() => void) | undefined;
    litellm.handle = (_request, response) => {
      response.writeHead(500, { "content-type": "application/json" });
      response.write("x".repeat(MAX_ERROR_BODY_BYTES + 1));
      end = () => response.end("y");
    };
    const request = open(envoy.ports.agents, {
      headers: [
        ["Host", "gateway"],
        ["x-api-key", TOKEN_A],
      ],
    });
    const received = responseOf(request);
    request.end();
    const response = await received;
    const chunks = response.iterator({ destroyOnReturn: false });
    let length = 0;
    while (length < MAX_ERROR_BODY_BYTES + 1) {
      length += ((await chunks.next()).value as Buffer).length;
    }
    end?.();
    expect((await read(response)).body.toString()).toBe("y");
  });
});

test("a 200 is not changed, whatever it contains", async () => {
  for (const response of [await declared(200, WRAPPED), await chunked(200, WRAPPED)]) {
    expect([response.status, response.body.toString()]).toEqual([200, WRAPPED]);
  }
});

/** Python's repr() of bytes. */
function pythonRepr(bytes: Buffer): string {
  const quote = bytes.includes("'") && !bytes.includes('"') ? '"' : "'";
  const named: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r", 92: "\\\\" };
  const written = [...bytes].map((byte) => {
    if (byte === quote.charCodeAt(0)) return `\\${quote}`;
    if (named[byte] !== undefined) return named[byte];
    if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
    return `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `b${quote}${written.join("")}${quote}`;
}
