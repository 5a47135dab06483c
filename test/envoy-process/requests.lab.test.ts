import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { send, sendRaw } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { rendered, secrets, terminate, TOKEN_A, TOKEN_B, withSettings } from "./gateways.ts";
import { startTerminating } from "./terminating.ts";
import type { Upstream } from "./upstream.ts";

const SECOND_TOKEN_A = "agent-a-token-of-generation-2";

let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  ({ upstream, envoy } = await startTerminating());
  const agents = [
    { name: "dev-e", tokens: [TOKEN_A, SECOND_TOKEN_A] },
    { name: "dev-f", tokens: [TOKEN_B] },
  ];
  await envoy.updateSecrets(renderEnvoySecrets(terminate, { ...secrets, agents }));
  await eventually(
    () => send(envoy.ports.agents, { headers: [["x-api-key", SECOND_TOKEN_A]] }),
    ({ status }) => status === 200,
  );
});

afterAll(async () => {
  // A failing script is logged, and the request continues without an agent.
  expect(envoy.stderr).not.toContain("script log");
  await envoy.stop();
  await upstream.stop();
});

beforeEach(() => {
  upstream.received.length = 0;
  upstream.handle = undefined;
});

/** A request as text. The arguments are added to its first line and its headers. */
function raw(headers: readonly string[], version = "HTTP/1.1"): string {
  const lines = [`POST /anthropic/v1/messages ${version}`, "Host: gateway", ...headers];
  return [...lines, "Connection: close", "", ""].join("\r\n");
}

function error(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message: `gateway: ${message}` } });
}

describe("identification of agents", () => {
  test.each(["bearer", "BEARER", "BeArEr", "Bearer "])(
    "the scheme %j is accepted like Bearer",
    async (scheme) => {
      const headers = [["Authorization", `${scheme} ${TOKEN_A}`]] as const;
      expect((await send(envoy.ports.agents, { headers })).status).toBe(200);
    },
  );

  test.each([
    `bearer ${TOKEN_A.toUpperCase()}`,
    `Bearer ${TOKEN_A} ${TOKEN_A}`,
    `Bearer ${TOKEN_A},Bearer ${TOKEN_A}`,
    `Bearer${TOKEN_A}`,
    `Bearer ${TOKEN_A}.*`,
    "Bearer ",
    "",
  ])("Authorization: %s is not accepted", async (value) => {
    const headers = [["Authorization", value]] as const;
    expect((await send(envoy.ports.agents, { headers })).status).toBe(401);
    expect(upstream.received).toEqual([]);
  });

  test.each([
    [TOKEN_A, TOKEN_B],
    [TOKEN_B, TOKEN_A],
  ])("tokens of two agents in one request are refused: %s, %s", async (bearer, apiKey) => {
    const response = await send(envoy.ports.agents, {
      headers: [
        ["Authorization", `Bearer ${bearer}`],
        ["x-api-key", apiKey],
        ["x-claude-code-session-id", `two-${bearer}`],
      ],
    });
    expect([response.status, response.body.toString()]).toEqual([
      401,
      error("authentication_error", "the tokens shown are of two agents"),
    ]);
    expect(upstream.received).toEqual([]);
    const line = await envoy.logged(({ session_id }) => session_id === `two-${bearer}`);
    expect(line).toMatchObject({ agent: null, status: 401 });
  });

  test("two generations of one agent's token in one request identify that agent", async () => {
    const response = await send(envoy.ports.agents, {
      headers: [
        ["Authorization", `Bearer ${TOKEN_A}`],
        ["x-api-key", SECOND_TOKEN_A],
        ["x-claude-code-session-id", "generations"],
      ],
    });
    expect(response.status).toBe(200);
    const line = await envoy.logged(({ session_id }) => session_id === "generations");
    expect(line.agent).toBe("dev-e");
  });

  test("the log has the peer's address, whatever address the client claims", async () => {
    await send(envoy.ports.agents, {
      headers: [
        ["x-api-key", TOKEN_A],
        ["X-Forwarded-For", "192.0.2.7"],
        ["x-claude-code-session-id", "forwarded"],
      ],
    });
    const line = await envoy.logged(({ session_id }) => session_id === "forwarded");
    expect(line.source).toBe("127.0.0.1");
  });
});

test("if the script fails, every request is refused", async () => {
  const broken = await Envoy.start({
    ...withSettings(rendered(terminate), {
      inline_string: "function envoy_on_request() error('planted') end",
    }),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  const { status } = await send(broken.ports.agents, { headers: [["x-api-key", TOKEN_A]] });
  await broken.stop();
  expect([status, upstream.received]).toEqual([401, []]);
  expect(broken.stderr).toContain("planted");
});

describe("a request that cannot be accepted", () => {
  const key = `x-api-key: ${TOKEN_A}`;
  test.each([
    ["33554433", 413],
    ["9223372036854775806", 413],
    ["9223372036854775807", 413],
    ["9223372036854775808", 413],
    ["18446744073709551614", 413],
  ])("with Content-Length %s is too large", async (length, status) => {
    const response = await sendRaw(envoy.ports.agents, raw([key, `Content-Length: ${length}`]));
    expect(response).toEqual({
      status,
      body: error("request_too_large", "the request is larger than 33554432 bytes"),
    });
  });

  test.each([
    { what: "HTTP/1.0", text: raw([key], "HTTP/1.0"), message: "HTTP/1.1 is required" },
    {
      what: "an unknown transfer coding",
      text: raw([key, "Transfer-Encoding: gzip, chunked"]),
      message: "unknown transfer coding",
    },
    {
      what: "a length that is not a number",
      text: raw([key, "Content-Length: x"]),
      message: "malformed request",
    },
  ])("$what causes a 400 invalid_request_error", async ({ text, message }) => {
    expect(await sendRaw(envoy.ports.agents, text)).toEqual({
      status: 400,
      body: error("invalid_request_error", message),
    });
    expect(upstream.received).toEqual([]);
  });
});

test("an answer with 1,500 headers in 200 kB is relayed", async () => {
  upstream.handle = (_request, response) => {
    for (let i = 0; i < 1500; i++) response.setHeader(`x-header-${i}`, "v".repeat(120));
    response.end("paid for");
  };
  // Node's own client accepts at most 16 kB of headers.
  const { status, body } = await sendRaw(
    envoy.ports.agents,
    raw([`x-api-key: ${TOKEN_A}`, "Content-Length: 0"]),
  );
  expect([status, body.includes("paid for")]).toEqual([200, true]);
});
