import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { MAX_REQUEST_BYTES } from "../../components/gateway/api/endpoints.ts";
import { open, responseOf, send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, REAL_KEY, rendered, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

const BEARER = ["Authorization", `Bearer ${TOKEN_A}`] as const;
const API_KEY = ["x-api-key", TOKEN_A] as const;

let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...rendered({ ...terminate, routes: ["hello"] }),
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

/** The only error format that clients understand. */
function error(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message: `gateway: ${message}` } });
}

const UNAUTHENTICATED = error("authentication_error", "missing or unknown agent token");

describe("agent tokens", () => {
  test.each([
    { shown: "Authorization: Bearer", headers: [BEARER], agent: "dev-e" },
    { shown: "x-api-key", headers: [API_KEY], agent: "dev-e" },
    { shown: "both headers, as with apiKeyHelper", headers: [BEARER, API_KEY], agent: "dev-e" },
    {
      shown: "a valid one after a wrong one",
      headers: [["x-api-key", "sk-left-over-of-the-user"] as const, BEARER],
      agent: "dev-e",
    },
    { shown: "another agent's token", headers: [["x-api-key", TOKEN_B] as const], agent: "dev-f" },
  ])("$shown is accepted and names $agent in the log", async ({ headers, agent }) => {
    const session = `session-${Math.random()}`;
    const { status, body } = await send(envoy.ports.agents, {
      headers: [...headers, ["x-claude-code-session-id", session]],
    });
    expect([status, body.toString()]).toEqual([200, '{"ok": true}']);
    expect(JSON.stringify(upstream.takeOne())).not.toContain(agent);
    const line = await envoy.logged((entry) => entry.session_id === session);
    expect(line).toMatchObject({
      listener: "agents",
      agent,
      method: "POST",
      path: "/v1/messages",
      status: 200,
      upstream_request_id: "req_upstream",
      bytes_sent: 12,
    });
    expect(line.first_byte_ms).toBeTypeOf("number");
    expect(line.duration_ms).toBeTypeOf("number");
  });

  test.each<{ shown: string; headers: readonly (readonly [string, string])[] }>([
    { shown: "nothing", headers: [] },
    { shown: "an unknown token", headers: [["x-api-key", "agent-a-token-0123456780"]] },
    { shown: "the real key", headers: [["x-api-key", REAL_KEY]] },
    { shown: "a prefix of a token", headers: [["x-api-key", TOKEN_A.slice(0, -1)]] },
    { shown: "a token in another case", headers: [["x-api-key", TOKEN_A.toUpperCase()]] },
    { shown: "a token with Basic", headers: [["Authorization", `Basic ${TOKEN_A}`]] },
    { shown: "a token without a scheme", headers: [["Authorization", TOKEN_A]] },
    { shown: "Bearer as an API key", headers: [["x-api-key", `Bearer ${TOKEN_A}`]] },
    { shown: "a token in the cookie", headers: [["Cookie", `x-api-key=${TOKEN_A}`]] },
  ])("$shown is refused", async ({ headers }) => {
    const response = await send(envoy.ports.agents, { headers });
    expect([response.status, response.body.toString()]).toEqual([401, UNAUTHENTICATED]);
    expect(response.headers["content-type"]).toBe("application/json");
    expect(upstream.received).toEqual([]);
  });

  test("no line of the log contains a token or the key", async () => {
    await send(envoy.ports.agents, { headers: [BEARER], path: `/anthropic/v1/x?k=${TOKEN_A}` });
    await envoy.logged((entry) => entry.path === "/anthropic/v1/x");
    const text = JSON.stringify(envoy.accessLog) + envoy.stderr;
    expect(text).not.toContain(TOKEN_A);
    expect(text).not.toContain(REAL_KEY);
  });
});

describe("the request that the upstream gets", () => {
  test("is what the client sent, with key, host, path and accepted encoding replaced", async () => {
    const body = Buffer.from('{"model": "claude-x",  "n": 1e3,"é":"\\u00e9"}\n');
    await send(envoy.ports.agents, {
      path: "/anthropic/v1/messages?beta=true",
      headers: [
        BEARER,
        API_KEY,
        ["Proxy-Authorization", "Basic eDp5"],
        ["Cookie", "session=1"],
        ["X-LiteLLM-Tags", "a"],
        ["x-litellm-api-key", "sk-1"],
        ["x-pass-authorization", "Bearer sk-2"],
        ["X-Goog-Api-Key", "k"],
        ["api-key", "k"],
        ["x-envoy-retry-on", "5xx"],
        ["x-envoy-upstream-rq-timeout-ms", "1"],
        ["X-Forwarded-For", "10.42.0.7"],
        ["Anthropic-Version", "2023-06-01"],
        ["anthropic-beta", "b-2,a-1"],
        ["X-Stainless-Lang", "js"],
        ["x-claude-code-session-id", "s"],
        ["anthropic-unknown", "kept"],
        ["x-request-id", "the-client's"],
        ["User-Agent", "claude-cli/2"],
        ["Accept-Encoding", "gzip, br"],
        ["Content-Type", "application/json"],
      ],
      body,
    });
    const request = upstream.takeOne();
    expect(request.method).toBe("POST");
    expect(request.url).toBe("/v1/messages?beta=true");
    expect(request.body).toEqual(body);
    expect([...request.headers].sort()).toEqual([
      ["Accept-Encoding", "identity"],
      ["Anthropic-Version", "2023-06-01"],
      ["Content-Length", String(body.length)],
      ["Content-Type", "application/json"],
      ["Host", "api.anthropic.com"],
      ["User-Agent", "claude-cli/2"],
      ["X-Stainless-Lang", "js"],
      ["anthropic-beta", "b-2,a-1"],
      ["anthropic-unknown", "kept"],
      ["x-api-key", REAL_KEY],
      ["x-claude-code-session-id", "s"],
      ["x-request-id", "the-client's"],
    ]);
  });

  test("has no additional headers if the client sends only a few", async () => {
    await send(envoy.ports.agents, { headers: [API_KEY] });
    expect([...upstream.takeOne().headers].sort()).toEqual([
      ["Content-Length", "0"],
      ["Host", "api.anthropic.com"],
      ["x-api-key", REAL_KEY],
    ]);
  });
});

describe("the response that the client gets", () => {
  test.each([200, 400, 401, 404, 413, 429, 500, 503, 504, 529])(
    "is the upstream's unchanged response, status %i",
    async (status) => {
      const body = `{"type":"error",  "error":{"type":"x","message":"of the upstream ${status}"}}\n`;
      let requests = 0;
      upstream.handle = (_request, response) => {
        requests++;
        response.writeHead(status, "Its Reason", {
          "Content-Type": "application/json",
          "Request-Id": "req_1",
          "retry-after": "7",
          "anthropic-ratelimit-unified-status": "x",
          server: "cloudflare",
          "x-request-id": "their's",
          Date: "Mon, 01 Jan 2024 00:00:00 GMT",
        });
        response.end(body);
      };
      const response = await send(envoy.ports.agents, { headers: [API_KEY] });
      expect([response.status, response.reason]).toEqual([status, "Its Reason"]);
      expect(response.body.toString()).toBe(body);
      const raw = response.rawHeaders.flatMap((name, i, all) =>
        i % 2 === 0 && !/^(connection|keep-alive|transfer-encoding)$/i.test(name)
          ? [[name, all[i + 1]]]
          : [],
      );
      expect(raw).toEqual([
        ["Content-Type", "application/json"],
        ["Request-Id", "req_1"],
        ["retry-after", "7"],
        ["anthropic-ratelimit-unified-status", "x"],
        ["server", "cloudflare"],
        ["x-request-id", "their's"],
        ["Date", "Mon, 01 Jan 2024 00:00:00 GMT"],
      ]);
      expect(requests).toBe(1);
    },
  );
});

describe("routes", () => {
  test.each([
    { method: "POST", path: "/anthropic/v1/messages", url: "/v1/messages" },
    {
      method: "POST",
      path: "/anthropic/v1/messages/count_tokens?beta=true",
      url: "/v1/messages/count_tokens?beta=true",
    },
    { method: "POST", path: "/anthropic//v1///messages", url: "/v1/messages" },
    { method: "POST", path: "/x/../anthropic/./v1/messages", url: "/v1/messages" },
  ])("$method $path is open", async ({ method, path, url }) => {
    expect((await send(envoy.ports.agents, { method, path, headers: [BEARER] })).status).toBe(200);
    expect(upstream.takeOne().url).toBe(url);
  });

  test.each([
    { method: "GET", path: "/anthropic/v1/messages", status: 405 },
    { method: "DELETE", path: "/anthropic/v1/messages/count_tokens", status: 405 },
    { method: "POST", path: "/anthropic/v1/messages/", status: 404 },
    { method: "POST", path: "/anthropic/v1/messages/batches", status: 404 },
    { method: "POST", path: "/anthropic/v1/messagesx", status: 404 },
    { method: "POST", path: "/anthropic/V1/messages", status: 404 },
    { method: "POST", path: "/v1/messages", status: 404 },
    { method: "POST", path: "/anthropic/v1/messages/../files", status: 404 },
    { method: "GET", path: "/anthropic/v1/models", status: 404 },
    { method: "GET", path: "/anthropic/v1/files", status: 404 },
    { method: "GET", path: "/", status: 404 },
    { method: "POST", path: "/anthropic/v1%2Fmessages", status: 400 },
    { method: "POST", path: "/anthropic/v1/messages%5c..", status: 400 },
  ])(
    "$method $path is answered with $status in Anthropic's error format",
    async ({ method, path, status }) => {
      const response = await send(envoy.ports.agents, { method, path, headers: [BEARER] });
      const parsed = JSON.parse(response.body.toString()) as {
        type: string;
        error: { type: string };
      };
      expect([response.status, parsed.type, parsed.error.type]).toEqual([
        status,
        "error",
        status === 400 ? "invalid_request_error" : "not_found_error",
      ]);
      expect(upstream.received).toEqual([]);
    },
  );

  test("the gateway answers HEAD /api/hello if it is enabled", async () => {
    const options = { method: "HEAD", path: "/anthropic/api/hello" };
    expect((await send(envoy.ports.agents, options)).status).toBe(200);
    expect(upstream.received).toEqual([]);
  });

  test("an upgrade is refused", async () => {
    const response = await send(envoy.ports.agents, {
      headers: [BEARER, ["Connection", "Upgrade"], ["Upgrade", "websocket"]],
    });
    expect([response.status, response.body.toString()]).toEqual([
      403,
      error("permission_error", "refused"),
    ]);
  });
});

describe("bodies", () => {
  test("32 MB arrive unchanged", async () => {
    const body = Buffer.alloc(MAX_REQUEST_BYTES);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, i);
    expect((await send(envoy.ports.agents, { headers: [BEARER], body })).status).toBe(200);
    expect(upstream.takeOne().body.equals(body)).toBe(true);
  });

  test("a request with one byte more is refused before its body is sent", async () => {
    const request = open(envoy.ports.agents, {
      headers: [["Host", "gateway"], BEARER, ["Content-Length", String(MAX_REQUEST_BYTES + 1)]],
    });
    const response = responseOf(request);
    request.flushHeaders();
    const { statusCode } = await response;
    request.destroy();
    expect(statusCode).toBe(413);
    expect(upstream.received).toEqual([]);
  });

  test("a client that sends the whole body anyway can read the refusal", async () => {
    const response = await send(envoy.ports.agents, {
      headers: [BEARER],
      body: Buffer.alloc(MAX_REQUEST_BYTES + 1),
    });
    expect([response.status, response.body.toString()]).toEqual([
      413,
      error("request_too_large", "the request is larger than 33554432 bytes"),
    ]);
  });

  test("with unknown length are streamed through, and only the upstream limits them", async () => {
    const bytes = new Promise<number>((resolve) => {
      upstream.handle = (request, response) => {
        let count = 0;
        request.on("data", (chunk: Buffer) => (count += chunk.length));
        request.on("end", () => {
          resolve(count);
          response.writeHead(413).end();
        });
      };
    });
    const request = open(envoy.ports.agents, {
      headers: [["Host", "gateway"], BEARER, ["Transfer-Encoding", "chunked"]],
    });
    const response = responseOf(request);
    request.end(Buffer.alloc(MAX_REQUEST_BYTES + 1));
    expect((await response).statusCode).toBe(413);
    expect(await bytes).toBe(MAX_REQUEST_BYTES + 1);
    (await response).resume();
  });
});
