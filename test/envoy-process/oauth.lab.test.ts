import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  OAUTH_BETA,
  OAUTH_TOKEN,
  PLACEHOLDER,
  rendered,
  secrets,
  shim,
  terminate,
  TOKEN_A,
} from "./gateways.ts";
import { Upstream } from "./upstream.ts";

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
  { sent: [], received: OAUTH_BETA },
  { sent: [""], received: OAUTH_BETA },
  { sent: ["b-2,a-1"], received: `b-2,a-1,${OAUTH_BETA}` },
  { sent: ["b-2, a-1"], received: `b-2, a-1,${OAUTH_BETA}` },
  { sent: [`b-2, ${OAUTH_BETA} ,a-1`], received: `b-2, ${OAUTH_BETA} ,a-1` },
  { sent: [`x-${OAUTH_BETA}`], received: `x-${OAUTH_BETA},${OAUTH_BETA}` },
  { sent: ["b-2", "a-1"], received: `b-2,a-1,${OAUTH_BETA}` },
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
      ["anthropic-beta", `b-2,${OAUTH_BETA}`],
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
