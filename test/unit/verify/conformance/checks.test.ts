import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Check, CheckContext } from "../../../verify/conformance/checks/check.ts";
import { checks } from "../../../verify/conformance/checks/index.ts";
import { RAW_CLIENT_SOURCE, RawClient } from "../../../verify/conformance/client/raw-client.ts";
import { AnthropicControl } from "../../../lab/anthropic/client.ts";
import { type FakeAnthropic, startFakeAnthropic } from "../../../lab/anthropic/server.ts";
import { planted, relaysNothing } from "./defects.ts";
import { modelClaude } from "./model-claude.ts";
import {
  type Defect,
  type ModelGateway,
  SPENDER,
  startModelGateway,
  TOKEN,
} from "./model-gateway.ts";

const KEY = "sk-ant-api03-unit";

let dir: string;
let upstream: FakeAnthropic;
let control: AnthropicControl;
let faithful: CheckContext;
const opened: { gateway: ModelGateway; clients: RawClient[] }[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "conformance-"));
  const socket = join(dir, "control.sock");
  upstream = await startFakeAnthropic({
    http: [{ host: "127.0.0.1", port: 0 }],
    control: socket,
    credentials: [KEY],
  });
  control = new AnthropicControl(socket);
  faithful = await throughGateway({}, 10_000);
});

afterAll(async () => {
  for (const { gateway, clients } of opened) {
    for (const client of clients) client.close();
    await gateway.close();
  }
  await upstream.close();
  await rm(dir, { recursive: true, force: true });
});

async function throughGateway(defect: Defect, patienceMs: number): Promise<CheckContext> {
  const port = upstream.http[0]?.port ?? 0;
  const gateway = await startModelGateway({ port, key: KEY }, defect);
  const client = await clientOf(gateway, TOKEN);
  const spending = await clientOf(gateway, SPENDER.token);
  opened.push({ gateway, clients: [client, spending] });
  return {
    client,
    upstream: control,
    claude: modelClaude(client),
    requestLog: (sessionId) => Promise.resolve(gateway.requestLog(sessionId)),
    spender: { agent: SPENDER.agent, client: spending },
    patienceMs,
    long: false,
  };
}

function clientOf({ baseUrl }: ModelGateway, token: string): Promise<RawClient> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", RAW_CLIENT_SOURCE], {
    stdio: "pipe",
    detached: true,
    env: {
      PATH: process.env.PATH,
      ANTHROPIC_BASE_URL: baseUrl,
      ANTHROPIC_AUTH_TOKEN: token,
    },
  });
  return RawClient.over(child);
}

// The checks of the running configuration are tested in configuration.test.ts, and the search in credential-holder.test.ts.
const ELSEWHERE = ["configuration", "search"] as const;
const measurable = checks.filter(({ needs }) => !ELSEWHERE.some((need) => needs.includes(need)));

test("every check has a planted defect", () => {
  expect(Object.keys(planted).sort()).toEqual(measurable.map(({ id }) => id).sort());
});

describe.concurrent("a check that finds nothing wrong with a faithful gateway", () => {
  const quick = measurable.filter(({ slow }) => slow !== true);
  test.each(quick)("$id", async (check: Check) => {
    const outcome = await check.run(faithful);
    expect(outcome).toMatchObject({ kept: true });
  });
});

describe.concurrent("a check that fails on its planted defect", () => {
  test.each(measurable)("$id", async (check: Check) => {
    const plant = planted[check.id];
    const context = await throughGateway(plant?.defect ?? {}, 1000);
    const outcome = await check.run(context);
    expect(outcome).toMatchObject({ kept: false, loss: plant?.loss });
  });
});

describe("checks that must fail on a gateway that relays nothing", () => {
  const concerned = measurable.filter(({ id }) => id in relaysNothing);
  test("include this name", () => {
    expect(concerned.map(({ id }) => id).sort()).toEqual(Object.keys(relaysNothing).sort());
  });
  test.each(concerned)("$id", async (check: Check) => {
    const plant = relaysNothing[check.id];
    const context = await throughGateway(plant?.defect ?? {}, 1000);
    expect(await check.run(context)).toMatchObject({ kept: false, loss: plant?.loss });
  });
});

// Not in parallel with the others: the largest checks are near their time limit on a busy machine.
describe("no check passes on a gateway that is down", () => {
  test.each(measurable)("$id", async (check: Check) => {
    const context = await throughGateway({ hangsUp: true }, 1000);
    const outcome = await check.run(context).catch(() => ({ kept: false }));
    expect(outcome).toMatchObject({ kept: false });
  });
});

describe("model discovery through an open route", () => {
  const discovery = checks.find(({ id }) => id === "claude-code.model-discovery");
  test("gets the API's list", async () => {
    const context = await throughGateway({ opensRoutes: true }, 1000);
    const outcome = await discovery?.run(context);
    expect(outcome?.evidence).toMatch(/^the API listed \d+ models to Claude Code/);
  });
  test("is missed if Claude Code does not ask", async () => {
    const { client, ...context } = await throughGateway({ opensRoutes: true }, 1000);
    const claude = modelClaude(client);
    const unasked: CheckContext["claude"] = ({ prompt }) => claude({ prompt });
    const outcome = await discovery?.run({ ...context, client, claude: unasked });
    expect(outcome).toMatchObject({ kept: false, loss: "not-asked" });
  });
});

describe("auto mode", () => {
  test("is not kept if nothing checks the command", async () => {
    const claude = modelClaude(faithful.client);
    const unchecked: CheckContext["claude"] = ({ prompt }) => claude({ prompt });
    const autoMode = checks.find(({ id }) => id === "claude-code.auto-mode");
    const outcome = await autoMode?.run({ ...faithful, claude: unchecked });
    expect(outcome).toMatchObject({ kept: false, loss: "unchecked" });
  });
});

describe.concurrent("the checks of cost find", () => {
  test.each<{ what: string; id: Check["id"]; defect: Defect; loss: string }>([
    { what: "no line", id: "cost.record", defect: { logs: () => undefined }, loss: "not-logged" },
    {
      what: "an answer without a cost",
      id: "cost.record",
      defect: { logs: (line) => ({ ...line, cost_usd: 0 }) },
      loss: "mispriced",
    },
    {
      what: "an error that costs",
      id: "cost.record",
      defect: { logs: (line) => ({ ...line, cost_usd: 0.01 }) },
      loss: "mispriced",
    },
    {
      what: "a finished answer that was estimated",
      id: "cost.record",
      defect: { logs: (line) => ({ ...line, estimated: true }) },
      loss: "miscounted",
    },
    {
      what: "a refusal that Claude Code would retry",
      id: "cost.ceiling",
      defect: { refusalHeaders: { "retry-after": "60" } },
      loss: "other-error",
    },
    {
      what: "a refusal of everybody",
      id: "cost.ceiling",
      defect: { refusesAt: () => true },
      loss: "all-refused",
    },
  ])("$what", async ({ id, defect, loss }) => {
    const check = checks.find((each) => each.id === id);
    const context = await throughGateway(defect, 1000);
    expect(await check?.run(context)).toMatchObject({ kept: false, loss });
  });
});
