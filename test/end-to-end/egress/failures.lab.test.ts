import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { labelKeys, type Role } from "../../../components/kubernetes/labels.ts";
import { runTurn } from "../../lab/claude.ts";
import type { Attempt } from "../../verify/egress/attempt.ts";
import { openAttempts, openRange, type Range } from "./range.ts";
import { withoutPolicyObjects } from "./rings.ts";
import { inside } from "../../verify/egress/rows/inside.ts";
import { names } from "../../verify/egress/rows/names.ts";
import { outside } from "../../verify/egress/rows/outside.ts";

/** Pods and policies are killed, stopped or deleted: only the expected ways out open, and Claude Code's retries cover the failure. */
let range: Range;

beforeAll(async () => {
  range = await openRange();
});

beforeEach(async () => {
  await range.upstream.reset();
});

afterAll(async () => {
  await range.leave();
});

const open = (attempts: readonly Attempt[]) => openAttempts(attempts, range);
const PATIENCE = { timeout: 120_000, interval: 500 };

test("with every policy deleted, an agent reaches only what the firewall allows, and after they are restored only what it reached before", async () => {
  const heldByPoliciesAlone = outside.filter(({ rings }) => !rings.includes("firewall"));
  await withoutPolicyObjects(range.target, async () => {
    await expect
      .poll(() => open(outside), PATIENCE)
      .toEqual(heldByPoliciesAlone.map(({ id }) => id));
    // The agents' DNS still forwards nothing.
    const ownDns = names.filter(({ rings }) => rings.includes("dns"));
    expect(await open(ownDns)).toEqual([]);
  });
  await expect.poll(() => open(outside), PATIENCE).toEqual([]);
});

async function deploymentsOf(role: Role): Promise<string[]> {
  const list = await range.target.kubectl([
    ...["get", "deployments", `--namespace=${range.around.gatewayNamespace}`],
    ...[`--selector=${labelKeys.role}=${role}`, "--output=name"],
  ]);
  return list.trim().split("\n");
}

describe.each(["gateway", "dns"] as const)("with no pod of role %s", (role) => {
  let deployments: string[];

  beforeAll(async () => {
    deployments = await deploymentsOf(role);
    await scale(0);
  });

  async function scale(replicas: number): Promise<void> {
    const { target, around } = range;
    const here = `--namespace=${around.gatewayNamespace}`;
    await target.kubectl(["scale", here, ...deployments, `--replicas=${replicas}`]);
    await (replicas === 0
      ? target.kubectl([
          ...["wait", "pods", here, `--selector=${labelKeys.role}=${role}`],
          ...["--for=delete", "--timeout=300s"],
        ])
      : target.kubectl(["rollout", "status", here, ...deployments, "--timeout=300s"]));
  }

  test("no way out opens, and the agent's API calls fail", async () => {
    expect(await open([...outside, ...names, ...inside])).toEqual([]);
    const { agent } = range.around;
    const turn = await runTurn(range.target, {
      namespace: agent,
      prompt: "say: never",
      env: { CLAUDE_CODE_MAX_RETRIES: "0" },
    });
    expect(turn.is_error).toBe(true);
  });

  test("the agent's API calls succeed once the pod is back", async () => {
    await scale(1);
    const turn = await runTurn(range.target, {
      namespace: range.around.agent,
      prompt: "say: back",
    });
    expect(turn).toMatchObject({ result: "back", is_error: false });
  });
});

describe.each(["gateway", "litellm"] as const)("when every pod of role %s is killed", (role) => {
  test("the current turn and the next turn succeed through Claude Code's retries, and no way out opens", async () => {
    const { target, upstream, around } = range;
    const namespace = around.agent;
    const marker = `say: under way ${role}`;
    await upstream.push({
      match: { path: "/v1/messages", bodyContains: marker },
      gate: marker,
      action: { kind: "message" },
    });
    const underWay = runTurn(target, { namespace, prompt: marker });
    await upstream.waitFor(({ url }) => url.startsWith("/v1/messages"), 120_000);
    await target.kubectl([
      ...[
        "delete",
        "pods",
        `--namespace=${around.gatewayNamespace}`,
        "--force",
        "--grace-period=0",
      ],
      `--selector=${labelKeys.role}=${role}`,
    ]);
    const next = runTurn(target, { namespace, prompt: "say: next" });
    // Meanwhile the gateway itself connects to its upstream, which is expected.
    const others = outside.filter(({ id }) => id !== "direct.upstream");
    const opened = (await open(others)).filter((what) => !what.endsWith("tcp 160.79.104.10 443"));
    expect(opened).toEqual([]);
    await upstream.openGate(marker);
    expect(await next).toMatchObject({ result: "next", is_error: false });
    expect(await underWay).toMatchObject({ result: `under way ${role}`, is_error: false });
  });
});
