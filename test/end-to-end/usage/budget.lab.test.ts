import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn, type Turn } from "../../lab/claude.ts";
import { type Lab, openLab, runInLab } from "../../lab/cluster/index.ts";
import { untilDayLasts } from "../../lab/day.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import { lastRecord } from "../../verify/conformance/checks/relay.ts";
import { run } from "../../lab/pulumi/run.ts";
import { usageOf } from "./report.ts";
import { typeRunbook } from "./runbook.ts";

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
  // Until the budget is raised, it must stay spent.
  await untilDayLasts(240);
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

test("npm run status says what needs a person: the spent budget, and a verdict that was never measured", async () => {
  const { exitCode, stdout } = await run({
    argv: [process.execPath, "run.mjs", "commands/status.ts", "--stack", STACK],
    cwd: lab.cloneDir,
    env: process.env,
  });
  expect(exitCode, stdout).toBe(1);
  const lines = stdout.split("\n").map((line) => line.trim());
  // Requests of a turn that run at the same time are charged together, so the turn can end far above the limit.
  expect(lines).toContainEqual(
    expect.stringMatching(
      new RegExp(`^! budget of ${CAPPED} +\\$0\\.(?:0[5-9]|[1-9])\\d* of \\$0\\.05 a day, spent`),
    ),
  );
  expect(lines).toContainEqual(
    expect.stringMatching(/^gateway \(envoy-terminate\) +(\d+) of \1 pods ready$/),
  );
  expect(lines.slice(lines.indexOf("Needs a person:") + 1).filter((line) => line !== "")).toEqual([
    `budget of ${CAPPED}: wait for the window's end, or raise the budget and run pulumi up`,
    `last verdict: measure the gateway: npm run verify -- --stack ${STACK}`,
  ]);
}, 120_000);

test("a raised budget lets the session go on, within 15 s of the end of up", async () => {
  await stack.configure({ "agents[0].budget.usdPerDay": "5" });
  await stack.up();
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const { turn: resumed } = await turn("say: I may work again");
  expect(resumed).toMatchObject({ is_error: false, session_id: session });
  expect(resumed.result).toContain("I may work again");
}, 300_000);

test("an operator sees and restarts under a name of their own, and reads no Secret", async () => {
  const out = join(dir, "alice.json");
  const made = await run({
    argv: [
      process.execPath,
      ...["run.mjs", "commands/operator.ts", "--stack", STACK],
      ...["--name", "alice@example.com", "--hours", "1", "--out", out],
    ],
    cwd: lab.cloneDir,
    env: process.env,
  });
  expect(made.exitCode, made.stderr).toBe(0);
  const alice = async (...args: string[]) => {
    const own = [`--kubeconfig=${out}`, ...args];
    return target.kubectl(own).catch((error: unknown) => (error as Error).message);
  };
  // `auth can-i` ends with status 1 when it says no.
  const may = (...args: string[]) =>
    target
      .kubectl([`--kubeconfig=${out}`, "auth", "can-i", ...args])
      .catch((error: unknown) => (error as { stdout: string }).stdout)
      .then((answer) => (answer.match(/^(yes|no)$/m) ?? [])[0]);
  expect(await alice("auth", "whoami", "--output=jsonpath={.status.userInfo.username}")).toBe(
    "alice@example.com",
  );
  const pods = await alice("get", "pods", `--namespace=${GATEWAY}`, "--output=name");
  expect(pods).toMatch(/^pod\/valkey-/m);
  for (const namespace of [GATEWAY, CAPPED, FREE]) {
    const inside = `--namespace=${namespace}`;
    expect(await may("delete", "pods", inside)).toBe("yes");
    expect(await may("get", "pods/log", inside)).toBe("yes");
    for (const [verb = "", what = ""] of [
      ["get", "secrets"],
      ["create", "pods"],
      ["create", "pods/exec"],
      ["create", "serviceaccounts/token"],
      ["patch", "deployments"],
      ["create", "rolebindings"],
    ])
      expect(await may(verb, what, inside), `${verb} ${what}`).toBe("no");
  }
  expect(await alice("get", "secrets", `--namespace=${GATEWAY}`)).toContain("is forbidden");
  expect(await may("get", "pods", "--namespace=kube-system")).toBe("no");
  expect(await alice("get", "nodes", "--output=name")).toMatch(/^node\//);
  const log = await runInLab(lab, [
    "grep",
    '"username":"alice@example.com"',
    "/var/log/audit/audit.log",
  ]);
  expect(log.stdout).toMatch(/"resource":"secrets".*"code":403/);
}, 120_000);

test("every command of the runbook does what the page says, and the gateway works afterwards", async () => {
  const typed = await typeRunbook({
    ...{ target, stack, dir, namespace: GATEWAY, cloneDir: lab.cloneDir },
  });
  expect(typed.length).toBeGreaterThan(20);
  // The screen says with 1 that something needs a person. The stack's credential is a stored key, so no pod has the helper.
  const failed = typed.filter(
    ({ line, exitCode }) =>
      exitCode !== 0 && !line.startsWith("npm run status") && !line.includes("-c mint "),
  );
  expect(failed).toEqual([]);
  const shown = (start: string) => typed.find(({ line }) => line.startsWith(start))?.output;
  expect(shown("kubectl get pods -n $NS -l 'claude-gateway/role in")).toMatch(
    /ratelimit-.*\n.*valkey-/s,
  );
  expect(shown("kubectl logs -n $NS -l claude-gateway/role=gateway -c envoy --tail=50")).toContain(
    '"details":"via_upstream"',
  );
  expect(shown("kubectl delete pod -n $NS -l claude-gateway/role=valkey")).toMatch(
    /^pod "\S+" .*deleted/,
  );
  const after = await runTurn(target, { namespace: FREE, prompt: "say: back again" });
  expect(after).toMatchObject({ is_error: false, result: "back again" });
}, 400_000);
