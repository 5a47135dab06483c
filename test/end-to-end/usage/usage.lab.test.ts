import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { UsageReport } from "../../../commands/usage/report.ts";
import { CHARGE_UNIT_USD } from "../../../components/usage/metering.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { type Lab, openLab } from "../../lab/cluster/index.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Pulumi, Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { lastRecord } from "../../verify/conformance/checks/relay.ts";
import type { RawClient } from "../../verify/conformance/client/raw-client.ts";
import { agentClient } from "../../verify/conformance/subject/agent-client.ts";
import { holdMixed, models, sendMixed, type Sum } from "./mixed-traffic.ts";
import { countedUpstream, tokensOf, usageOf } from "./report.ts";

/**
 * What `npm run usage` says equals what the upstream counted, on every metered path, while the path changes and the parts
 * restart. The tests depend on each other, in order.
 */
const progress = lineProgress();
const STACK = "usage";
const GATEWAY = "usage-gateway";
const AGENTS = ["usage-a", "usage-b"];

/** Requests that are open while the gateway changes; the node limits a pod's connections to 120. */
const IN_FLIGHT = 200;
const OTHERS = 40;

/** An estimate of a left stream may be this many output tokens away from what the upstream had sent. */
const TOKENS_OFF = 32;

let lab: Lab;
let target: Target;
let pulumi: Pulumi;
let stack: Stack;
let control: AnthropicControl;
let dir: string;
let since: number;
let clients: RawClient[] = [];
const sums: Sum[] = [];
/** Cost and spent budget after the counter was away: what ended meanwhile was not charged. */
let afterOutage = { cost: 0, spent: 0, requests: 0 };

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  control = await ensureUpstream(lab);
  pulumi = await target.pulumi(progress);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-usage-"));
  stack = await prepareStack(pulumi, target, STACK, "local", {
    "gateway.path": "envoy",
    "gateway.namespace": GATEWAY,
    "gateway.drainSeconds": "60",
    "agents[0].name": AGENTS[0] ?? "",
    "agents[1].name": AGENTS[1] ?? "",
    // Not of a day: these tests take minutes, and must not lose the count at midnight.
    "budget.usdPer30Days": "100",
  });
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
  clients = await Promise.all(
    AGENTS.map((namespace) => agentClient(target, { namespace, stack: STACK })),
  );
  since = await lastRecord(control);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
  await rm(dir, { recursive: true });
});

/**
 * Runs `work` with {@link IN_FLIGHT} requests in flight and others that come and go. The upstream begins to answer while
 * `work` runs, so that streams are open over what it changes.
 */
async function during(work: () => Promise<unknown>): Promise<void> {
  const held = await holdMixed(clients, control, IN_FLIGHT);
  const release = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    return held.release();
  };
  const others = sendMixed(clients, control, OTHERS);
  const [streams, short] = await Promise.all([release(), others, work()]);
  sums.push(streams, short);
  expect(sums.flatMap(({ broken }) => broken)).toEqual([]);
}

/** The report, once it has every request that the upstream answered. */
async function settled(): Promise<UsageReport> {
  const expected = sums.reduce((total, { finished, left }) => total + finished + left, 0);
  return waitFor(async () => {
    const report = await usageOf(lab, STACK, dir);
    const answered = report.days
      .filter(({ model }) => Object.values<string>(models).includes(model))
      .reduce((total, { requests }) => total + requests, 0);
    expect(answered).toBe(expected);
    return report;
  });
}

async function waitFor<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }
}

async function expectEqualToUpstream(): Promise<void> {
  const report = await settled();
  expect(tokensOf(report, models.finished)).toEqual(
    await countedUpstream(control, models.finished, since),
  );
  const [logged, counted] = [
    tokensOf(report, models.left),
    await countedUpstream(control, models.left, since),
  ];
  const left = sums.reduce((total, sum) => total + sum.left, 0);
  expect({ ...logged, output: 0 }).toEqual({ ...counted, output: 0 });
  expect(Math.abs(logged.output - counted.output)).toBeLessThanOrEqual(TOKENS_OFF * left);
}

const restart = async (selector: string, kind = "deployments") => {
  const which = [kind, `--selector=${selector}`, `--namespace=${GATEWAY}`];
  await target.kubectl(["rollout", "restart", ...which]);
  await target.kubectl(["rollout", "status", ...which, "--timeout=120s"]);
};

test("on envoy, while Valkey and the rate-limit service restart", async () => {
  await during(async () => {
    await restart("claude-gateway/role=ratelimit");
    await target.kubectl([
      ...["delete", "pods", "--selector=claude-gateway/role=valkey", `--namespace=${GATEWAY}`],
    ]);
  });
  await expectEqualToUpstream();
  afterOutage = spending(await settled());
  expect(afterOutage.spent).toBeLessThanOrEqual(
    afterOutage.cost + afterOutage.requests * CHARGE_UNIT_USD,
  );
  expect(afterOutage.spent).toBeGreaterThan(0);
}, 600_000);

test("while Envoy restarts", async () => {
  await during(() => restart("claude-gateway/path=envoy-terminate"));
  await expectEqualToUpstream();
}, 600_000);

test("over a toggle to shim, and on shim", async () => {
  await stack.configure({ "gateway.path": "shim" });
  await during(() => stack.up());
  sums.push(await sendMixed(clients, control, OTHERS));
  await expectEqualToUpstream();
}, 600_000);

test("over a toggle to hybrid, and on hybrid", async () => {
  await stack.configure({ "gateway.path": "hybrid" });
  await during(() => stack.up());
  sums.push(await sendMixed(clients, control, OTHERS));
  await expectEqualToUpstream();
}, 600_000);

test("the record names both agents, prices every model, and counts what is spent as the budget does", async () => {
  const report = await settled();
  expect(report).toMatchObject({ stack: STACK, currency: "USD" });
  expect([...new Set(report.days.map(({ agent }) => agent))].sort()).toEqual(AGENTS);
  expect(report.days.reduce((total, { refused }) => total + refused, 0)).toBe(0);
  expect(report.budgets).toMatchObject([{ agent: "all", window: "30days", limit: 100 }]);
  const now = spending(report);
  const [cost, spent, requests] = [
    now.cost - afterOutage.cost,
    now.spent - afterOutage.spent,
    now.requests - afterOutage.requests,
  ];
  expect(cost).toBeGreaterThan(0);
  // Each charge is rounded up to a unit.
  expect(spent).toBeGreaterThanOrEqual(cost - CHARGE_UNIT_USD);
  expect(spent).toBeLessThanOrEqual(cost + requests * CHARGE_UNIT_USD);
});

function spending({ days, budgets }: UsageReport): typeof afterOutage {
  return {
    cost: days.reduce((total, day) => total + day.cost, 0),
    requests: days.reduce((total, day) => total + day.requests, 0),
    spent: budgets[0]?.spent ?? 0,
  };
}
