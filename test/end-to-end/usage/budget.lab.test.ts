import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn, type Turn } from "../../lab/claude.ts";
import { type Lab, openLab } from "../../lab/cluster/index.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { lastRecord } from "../../verify/conformance/checks/relay.ts";
import { usageOf } from "./report.ts";

/** Two agents, one with a budget of a few cents, with the real Claude Code. The tests depend on each other, in order. */
const progress = lineProgress();
const STACK = "budget";
const GATEWAY = "budget-gateway";
const [CAPPED, FREE] = ["budget-capped", "budget-free"] as const;

/** Some 4,000 tokens of output: over 0.05 USD with every model that Claude Code asks by default. */
const DEAR = "expensive ".repeat(1_600);

let lab: Lab;
let target: Target;
let stack: Stack;
let control: AnthropicControl;
let dir: string;
let session: string | undefined;

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  control = await ensureUpstream(lab);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-budget-"));
  stack = await prepareStack(await target.pulumi(progress), target, STACK, "local", {
    "gateway.path": "envoy",
    "gateway.namespace": GATEWAY,
    "gateway.drainSeconds": "10",
    "agents[0].name": CAPPED,
    "agents[0].budget.usdPerDay": "0.05",
    "agents[1].name": FREE,
  });
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
});

afterAll(async () => {
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
  await rm(dir, { recursive: true });
});

/** One turn of the capped agent's session, and how many requests reached the API. */
async function turn(prompt: string): Promise<{ turn: Turn; requests: number }> {
  const since = await lastRecord(control);
  const ended = await runTurn(target, {
    namespace: CAPPED,
    prompt,
    ...(session !== undefined && { resume: session }),
  });
  const records = await control.records(since);
  return {
    turn: ended,
    requests: records.filter(({ url }) => url.startsWith("/v1/messages")).length,
  };
}

/** The lines of Envoy's log about the capped agent's refused requests. */
async function refusals(): Promise<number> {
  const log = await target.kubectl([
    ...["logs", `--namespace=${GATEWAY}`, "--container=envoy", "--tail=-1"],
    "--selector=claude-gateway/path=envoy-terminate",
  ]);
  return log.split("\n").filter((line) => line.includes('"status":429')).length;
}

test("an agent works until its budget is spent", async () => {
  await control.push({
    match: { path: "/v1/messages", bodyContains: "write a long text" },
    times: null,
    action: { kind: "message", content: [{ type: "text", text: DEAR }] },
  });
  const { turn: first, requests } = await turn("write a long text");
  session = first.session_id;
  expect(first.is_error).toBe(false);
  expect(first.result.trim()).toHaveLength(DEAR.trim().length);
  expect(requests).toBeGreaterThan(0);
  // The session's next requests contain the prompt too.
  await control.clearScripts();
}, 120_000);

test("in the middle of its session it is refused after one request, and told why", async () => {
  const before = await refusals();
  const { turn: refused, requests } = await turn("go on");
  expect(refused.is_error).toBe(true);
  expect(refused.result).toContain(
    `gateway: the budget of agent ${CAPPED}, 0.05 USD a day, is spent. It is renewed at `,
  );
  expect(requests).toBe(0);
  await expect.poll(refusals, { timeout: 10_000 }).toBe(before + 1);
}, 120_000);

test("the other agent goes on", async () => {
  const other = await runTurn(target, { namespace: FREE, prompt: "say: still here" });
  expect(other).toMatchObject({ is_error: false });
  expect(other.result).toContain("still here");
}, 120_000);

test("npm run usage shows the spent budget and the refused request", async () => {
  const report = await usageOf(lab, STACK, dir);
  expect(report.budgets).toHaveLength(1);
  expect(report.budgets[0]).toMatchObject({ agent: CAPPED, window: "day", limit: 0.05 });
  expect(report.budgets[0]?.spent).toBeGreaterThan(0.05);
  const refused = report.days.filter(({ refused }) => refused > 0);
  expect(refused.map(({ agent, refused }) => [agent, refused])).toEqual([[CAPPED, 1]]);
});

test("a raised budget lets the session go on, within 15 s of the end of up", async () => {
  await stack.configure({ "agents[0].budget.usdPerDay": "5" });
  await stack.up();
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const { turn: resumed } = await turn("say: I may work again");
  expect(resumed).toMatchObject({ is_error: false, session_id: session });
  expect(resumed.result).toContain("I may work again");
}, 300_000);
