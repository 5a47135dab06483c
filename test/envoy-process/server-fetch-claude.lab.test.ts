import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentEnvironment, gatewayToken } from "../../components/agents/environment.ts";
import { AnthropicControl } from "../lab/anthropic/client.ts";
import { type FakeAnthropic, startFakeAnthropic } from "../lab/anthropic/server.ts";
import { claudeCodeProgram } from "../lab/parts/claude-code.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, REAL_KEY, rendered, terminate, TOKEN_A } from "./gateways.ts";

/** The real Claude Code where the API may fetch nothing: its tool WebSearch uses the API's web_search in a request of its own. */
let api: FakeAnthropic;
let control: AnthropicControl;
let envoy: Envoy;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "claude-"));
  const { certFile, keyFile } = await certificateFor("api.anthropic.com");
  const identity = {
    cert: await readFile(certFile, "utf8"),
    key: await readFile(keyFile, "utf8"),
  };
  const socket = join(home, "control.sock");
  api = await startFakeAnthropic({
    tls: [{ host: "127.0.0.1", port: 0 }],
    identities: [identity],
    credentials: [REAL_KEY],
    control: socket,
  });
  control = new AnthropicControl(socket);
  envoy = await Envoy.start({
    ...rendered({ ...terminate, serverFetch: "deny" }),
    hosts: { "api.anthropic.com:443": api.tls[0]?.port ?? 1 },
  });
});

afterAll(async () => {
  await envoy.stop();
  await api.close();
  await rm(home, { recursive: true, force: true });
});

test("WebSearch fails with the gateway's message, and the turn goes on to its end", async () => {
  const variables = agentEnvironment({
    baseUrl: `http://127.0.0.1:${envoy.ports.agents}/anthropic`,
    secret: gatewayToken,
  });
  const token = `$(${gatewayToken.variable})`;
  const environment = Object.fromEntries(
    variables.map((each) => [
      each.name,
      "value" in each ? each.value.replace(token, TOKEN_A) : TOKEN_A,
    ]),
  );
  await control.push({
    match: { bodyContains: "look it up" },
    action: {
      kind: "message",
      content: [{ type: "tool_use", name: "WebSearch", input: { query: "weather in Oslo" } }],
    },
  });
  const { stdout } = await promisify(execFile)(
    await claudeCodeProgram(),
    ["-p", "look it up", "--output-format", "json", "--allowedTools", "WebSearch"],
    {
      cwd: home,
      env: {
        ...environment,
        ...{ HOME: home, PATH: process.env.PATH, NO_PROXY: "127.0.0.1" },
        // Nothing but the gateway is to be reached.
        HTTPS_PROXY: "http://127.0.0.1:1",
      },
    },
  );
  expect(JSON.parse(stdout)).toMatchObject({ is_error: false, num_turns: 2 });
  const refused = envoy.accessLog.filter(({ status }) => status === 403);
  expect(refused).toMatchObject([{ agent: "dev-e", refused_field: "tools[].type" }]);
  const bodies = await Promise.all(
    (await control.records()).map(async ({ id }) => (await control.requestBody(id)).toString()),
  );
  expect(bodies.filter((body) => body.includes('"type":"web_search_'))).toEqual([]);
  expect(bodies.at(-1)).toContain("egress.serverFetch is deny");
});
