import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, openLab } from "../lab/cluster/index.ts";
import { bringUp } from "../lab/local/session.ts";
import { lineProgress } from "../lab/progress.ts";
import { labTarget, type Target } from "../lab/target.ts";
import type { Surroundings } from "./attempt.ts";
import { tryAttempt } from "./measure.ts";
import { tellPolicyController, without } from "./rings.ts";
import { inside } from "./rows/inside.ts";
import { outside } from "./rows/outside.ts";
import { surroundingsOf } from "./surroundings.ts";
import { arrivalKey, Witness } from "./witness.ts";

/** Each ring taken away, so that what is said of it is seen to be its doing. */
const STACK = "local";
const progress = lineProgress();
let lab: Lab;
let target: Target;
let around: Surroundings;
let witness: Witness;

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  await bringUp(target, { gateway: "shim" }, progress, new AbortController().signal);
  const outputs = await (await target.pulumi(progress)).stack(STACK).outputs();
  around = await surroundingsOf(target, STACK, outputs);
  witness = await Witness.start(lab);
});

afterAll(async () => {
  await witness.stop();
});

/** Which attempts to reach the outside arrived there. */
async function arrived(): Promise<string[]> {
  const ids: string[] = [];
  for (const attempt of outside) {
    const { arrived } = await tryAttempt(attempt, around, { target, witness });
    const destination = attempt.arrives && ` × ${arrivalKey(attempt.arrives)}`;
    if (arrived.some((arrival) => arrival.endsWith(destination ?? ""))) {
      ids.push(attempt.id);
    }
  }
  return ids;
}

const heldBy = (ring: "policy" | "firewall") =>
  outside.filter(({ rings }) => rings.includes(ring)).map(({ id }) => id);
const idsExcept = (ids: readonly string[]) =>
  outside.map(({ id }) => id).filter((id) => !ids.includes(id));

describe("of the attempts to reach the outside", () => {
  test("every one arrives when neither policies nor firewall are there", async () => {
    expect(await without(lab, ["policy", "firewall"], arrived)).toEqual(idsExcept([]));
  });

  test("the firewall alone holds what is said of it, and nothing else", async () => {
    expect(await without(lab, ["policy"], arrived)).toEqual(idsExcept(heldBy("firewall")));
  });

  test("policies alone hold what is said of them, and nothing else", async () => {
    expect(await without(lab, ["firewall"], arrived)).toEqual(idsExcept(heldBy("policy")));
  });

  test("none arrives when both are back", async () => {
    expect(await arrived()).toEqual([]);
  });
});

test("without policies and firewall, everything inside that listens answers", async () => {
  // Envoy's admin interface is on loopback, and the lab's node has no SSH: these two are closed by more than rings.
  const closedAnyway = ["gateway.admin", "node.ssh"];
  const through = await without(lab, ["policy", "firewall"], async () => {
    const ids: string[] = [];
    for (const attempt of inside) {
      const { through } = await tryAttempt(attempt, around, { target });
      if (through) ids.push(attempt.id);
    }
    return ids;
  });
  expect(through).toEqual(inside.map(({ id }) => id).filter((id) => !closedAnyway.includes(id)));
});

describe("the start gate", () => {
  afterAll(async () => {
    await tellPolicyController(lab, "delay 0s");
  });

  const restartRunner = () =>
    target.kubectl(["delete", "pod", `--namespace=${around.agent}`, "--selector=app=runner"]);
  const gate = (jsonPath: string) =>
    target.kubectl([
      ...["get", "pods", `--namespace=${around.agent}`, "--selector=app=runner"],
      `--output=jsonpath={.items[0].status.initContainerStatuses[0].${jsonPath}}`,
    ]);
  const untilReady = () =>
    target.kubectl([
      ...["rollout", "status", "deployment/runner", `--namespace=${around.agent}`],
      "--timeout=120s",
    ]);

  test("lets a pod through when policies come two seconds late", async () => {
    await tellPolicyController(lab, "delay 2s");
    await restartRunner();
    await untilReady();
    expect(await gate("state.terminated.exitCode")).toBe("0");
  });

  test("keeps a pod where nothing enforces policies, and says why", async () => {
    await tellPolicyController(lab, "off");
    await restartRunner();
    await expect
      .poll(() => gate("lastState.terminated.message"), { timeout: 150_000, interval: 2000 })
      .toContain("the cluster does not enforce this pod's NetworkPolicies");
    await tellPolicyController(lab, "delay 0s");
    await untilReady();
  });
});
