import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  PLACEHOLDER,
  rendered,
  secrets,
  shim,
  terminate,
  TOKEN_A,
} from "./gateways.ts";
import { Upstream } from "./upstream.ts";

const OAUTH_TOKEN = "sk-ant-oat01-real-token";
const BETA = "oauth-2025-04-20";

let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...rendered(
      { ...terminate, credentialKind: "oauth", routes: ["models"] },
      { ...secrets, credential: OAUTH_TOKEN },
    ),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
});

afterAll(async () => {
  await envoy.stop();
  await upstream.stop();
});

test.each([
  { sent: [], received: BETA },
  { sent: [""], received: BETA },
  { sent: ["b-2,a-1"], received: `b-2,a-1,${BETA}` },
  { sent: ["b-2, a-1"], received: `b-2, a-1,${BETA}` },
  { sent: [`b-2, ${BETA} ,a-1`], received: `b-2, ${BETA} ,a-1` },
  { sent: [`x-${BETA}`], received: `x-${BETA},${BETA}` },
  { sent: ["b-2", "a-1"], received: `b-2,a-1,${BETA}` },
])("anthropic-beta $sent becomes $received", async ({ sent, received }) => {
  await send(envoy.ports.agents, {
    headers: [["x-api-key", TOKEN_A], ...sent.map((value) => ["anthropic-beta", value] as const)],
  });
  expect([...upstream.takeOne().headers].sort()).toEqual([
    ["Content-Length", "0"],
    ["Host", "api.anthropic.com"],
    ["anthropic-beta", received],
    ["authorization", `Bearer ${OAUTH_TOKEN}`],
  ]);
});

test("behind LiteLLM, the token and the beta replace LiteLLM's placeholder", async () => {
  const shimmed = await Envoy.start({
    ...rendered({ ...shim, credentialKind: "oauth" }, { ...secrets, credential: OAUTH_TOKEN }),
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  try {
    const { status } = await send(shimmed.ports.egress, {
      path: "/v1/messages",
      headers: [
        ["authorization", `Bearer ${INTERNAL_TOKEN}`],
        ["x-api-key", PLACEHOLDER],
        ["anthropic-beta", "b-2"],
      ],
    });
    expect(status).toBe(200);
    expect([...upstream.takeOne().headers].sort()).toEqual([
      ["Content-Length", "0"],
      ["Host", "api.anthropic.com"],
      ["anthropic-beta", `b-2,${BETA}`],
      ["authorization", `Bearer ${OAUTH_TOKEN}`],
    ]);
  } finally {
    await shimmed.stop();
  }
});

test("GET /v1/models is relayed if it is enabled", async () => {
  const options = { method: "GET", path: "/anthropic/v1/models?limit=1000" };
  expect((await send(envoy.ports.agents, options)).status).toBe(401);
  const headers = [["x-api-key", TOKEN_A] as const];
  expect((await send(envoy.ports.agents, { ...options, headers })).status).toBe(200);
  expect(upstream.takeOne().url).toBe("/v1/models?limit=1000");
});
