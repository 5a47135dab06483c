import { afterAll, beforeAll, expect, test } from "vitest";
import { lineProgress } from "../lab/progress.ts";
import { send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { freePort } from "./free-port.ts";
import {
  certificateFor,
  INTERNAL_TOKEN,
  PLACEHOLDER,
  rendered,
  secrets,
  shim,
  TOKEN_A,
} from "./gateways.ts";
import { type LiteLlmProcess, startLiteLlm } from "./litellm-process.ts";
import { Federated } from "./mint-federated.ts";
import { Upstream } from "./upstream.ts";

/** Path shim with a minted credential: the real helper, the real Envoy and the real LiteLLM. */
let pod: Federated;
let anthropic: Upstream;
let envoy: Envoy;
let litellm: LiteLlmProcess;

beforeAll(async () => {
  pod = await Federated.prepare({ lifetimeSeconds: 600 });
  await pod.mint.start();
  await pod.mint.says("no new token");
  anthropic = await Upstream.start(await certificateFor("api.anthropic.com"));
  const port = await freePort();
  const others = { ...secrets, credential: undefined };
  envoy = await Envoy.start({
    ...rendered({ ...shim, credentialKind: "federated" }, others),
    tokens: pod.mint.tokens,
    hosts: { [`${shim.litellmHost}:4000`]: port, "api.anthropic.com:443": anthropic.port },
  });
  litellm = await startLiteLlm(
    {
      port,
      token: INTERNAL_TOKEN,
      apiKey: PLACEHOLDER,
      upstreamBaseUrl: `http://127.0.0.1:${envoy.ports.egress}`,
    },
    lineProgress(),
  );
});

afterAll(async () => {
  await envoy.stop();
  await litellm.stop();
  await anthropic.stop();
  await pod.stop();
});

async function ask(stream: boolean) {
  const { status, headers, body } = await send(envoy.ports.agents, {
    headers: [
      ["x-api-key", TOKEN_A],
      ["content-type", "application/json"],
      ["anthropic-version", "2023-06-01"],
    ],
    body: JSON.stringify({ model: "claude", max_tokens: 1, stream, messages: [] }),
  });
  return {
    status,
    retry: headers["x-should-retry"],
    after: headers["retry-after"],
    body: body.toString(),
  };
}

test.each([false, true])(
  "without a token, an agent gets what Envoy says to LiteLLM (stream: %s)",
  async (stream) => {
    expect(await ask(stream)).toEqual({
      status: 503,
      retry: "true",
      after: "30",
      body: '{"type":"error","error":{"type":"api_error","message":"gateway: no credential for the upstream now"}}',
    });
    expect(anthropic.received).toEqual([]);
  },
);

test("with the first token, the upstream gets it in place of LiteLLM's placeholder", async () => {
  await pod.assert();
  const token = await pod.mint.nextToken();
  await eventually(
    () => ask(false),
    ({ status }) => status === 200,
  );
  const sent = new Map(
    anthropic.takeOne().headers.map(([name, value]) => [name.toLowerCase(), value]),
  );
  expect([sent.get("authorization"), sent.has("x-api-key")]).toEqual([`Bearer ${token}`, false]);
  expect(sent.get("anthropic-beta")).toBe("oauth-2025-04-20");
});

test("nobody else gets it: without LiteLLM's key, Envoy answers 401", async () => {
  const headers = [["x-api-key", "sk-ant-api03-somebody-elses"] as const];
  const { status } = await send(envoy.ports.egress, { path: "/v1/messages", headers });
  expect(status).toBe(401);
});
