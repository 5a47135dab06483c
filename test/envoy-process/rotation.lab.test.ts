import { afterEach, beforeEach, expect, test } from "vitest";
import { AGENT_ROUTES } from "../../components/gateway/envoy/routes.ts";
import type { EnvoySecrets } from "../../components/gateway/envoy/args.ts";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { open, read, responseOf, send } from "./client.ts";
import { type Envoy, eventually } from "./envoy.ts";
import { REAL_KEY, secrets, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { startTerminating } from "./terminating.ts";
import type { Upstream } from "./upstream.ts";

const NEW_TOKEN = "agent-a-token-second-one";

let upstream: Upstream;
let envoy: Envoy;

beforeEach(async () => {
  ({ upstream, envoy } = await startTerminating());
});

afterEach(async () => {
  await envoy.stop();
  await upstream.stop();
});

async function statusFor(token: string): Promise<number> {
  return (await send(envoy.ports.agents, { headers: [["x-api-key", token]] })).status;
}

async function tokens(...of: string[]): Promise<void> {
  const agents = [
    { name: "dev-e", tokens: of },
    { name: "dev-f", tokens: [TOKEN_B] },
  ];
  await envoy.updateSecrets(renderEnvoySecrets(terminate, { ...secrets, agents }));
}

test("rotating an agent's token with an overlap interrupts no request", async () => {
  let finish: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    upstream.handle = (_request, response) => {
      finish = () => response.end("the end");
      response.writeHead(200);
      response.write("begin, ");
      resolve();
    };
  });
  const request = open(envoy.ports.agents, {
    headers: [
      ["Host", "gateway"],
      ["x-api-key", TOKEN_A],
    ],
  });
  const stream = responseOf(request);
  request.end();
  await held;
  upstream.handle = undefined;

  await tokens(TOKEN_A, NEW_TOKEN);
  await eventually(
    () => statusFor(NEW_TOKEN),
    (status) => status === 200,
  );
  expect([await statusFor(TOKEN_A), await statusFor(TOKEN_B)]).toEqual([200, 200]);

  await tokens(NEW_TOKEN);
  await eventually(
    () => statusFor(TOKEN_A),
    (status) => status === 401,
  );
  expect([await statusFor(NEW_TOKEN), await statusFor(TOKEN_B)]).toEqual([200, 200]);

  finish?.();
  expect((await read(await stream)).body.toString()).toBe("begin, the end");
  expect(await envoy.stat("listener_manager.listener_modified")).toBe(0);
});

test("the real key is replaced without a restart", async () => {
  const keyShown = async () => {
    expect(await statusFor(TOKEN_A)).toBe(200);
    return new Map(upstream.takeOne().headers).get("x-api-key");
  };
  expect(await keyShown()).toBe(REAL_KEY);
  await envoy.updateSecrets(
    renderEnvoySecrets(terminate, { ...secrets, credential: "sk-ant-api03-second" }),
  );
  await eventually(keyShown, (key) => key === "sk-ant-api03-second");
  expect(await envoy.stat("listener_manager.listener_modified")).toBe(0);
});

test("agents change also in routes of an earlier release, which have no name", async () => {
  const nameless = (agents: EnvoySecrets["agents"]) => {
    const files = renderEnvoySecrets(terminate, { ...secrets, agents });
    const name = (key: string, value: unknown) =>
      key === "name" && /^[0-9a-f]{32}$/.test(String(value)) ? undefined : value;
    return {
      ...files,
      "routes.json": JSON.stringify(JSON.parse(files["routes.json"] ?? "", name)),
    };
  };
  const agent = (token: string) => [{ name: "dev-e", tokens: [token] }];
  await envoy.updateSecrets(nameless(agent(TOKEN_B)));
  await eventually(
    () => statusFor(TOKEN_A),
    (status) => status === 401,
  );
  expect(await statusFor(TOKEN_B)).toBe(200);
  await envoy.updateSecrets(nameless(agent(TOKEN_A)));
  await eventually(
    () => statusFor(TOKEN_A),
    (status) => status === 200,
  );
  expect(await statusFor(TOKEN_B)).toBe(401);
});

test("an invalid file changes nothing", async () => {
  await envoy.updateSecrets({ "routes.json": '{"resources": 1}', "credential.json": "{}" });
  await eventually(
    () => envoy.stat(`http.agents.rds.${AGENT_ROUTES}.update_failure`),
    (failures) => failures > 0,
  );
  expect(await statusFor(TOKEN_A)).toBe(200);
  expect(new Map(upstream.takeOne().headers).get("x-api-key")).toBe(REAL_KEY);
});
