import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runFresh } from "./fresh-pods.ts";
import { openRange, type Range } from "./range.ts";
import { tellPolicyController, withoutAdmission } from "./rings.ts";
import { arrivalKey, newArrivals } from "../../verify/egress/witness.ts";

/** Tests the start gate with policies that come late or never. */
let range: Range;

beforeAll(async () => {
  range = await openRange();
});

afterAll(async () => {
  await tellPolicyController(range.lab, "delay 0s");
  await range.leave();
});

/** A listed host. The firewall lets pods reach it, so only a policy keeps an agent from it. */
const OUTSIDE = { protocol: "tcp", address: "140.82.112.3", port: 443 } as const;

/** Starts new pods that dial from their first instruction. Returns what each reached, and what arrived outside. */
async function startFresh(count: number, gate: "with gate" | "without gate") {
  const { witness, around } = range;
  const before = await witness.counts();
  const reached = await runFresh(range, {
    count,
    gate: gate === "with gate",
    destinations: [
      [OUTSIDE.address, OUTSIDE.port],
      [around.visitor.pod.v4, 8080],
      [around.apiServerAddress, 443],
    ],
  });
  const after = await witness.counts();
  const arrived = newArrivals(before.arrivals, after.arrivals).get(arrivalKey(OUTSIDE)) ?? 0;
  return { reached, arrived };
}

describe("when policies come two seconds late", () => {
  beforeAll(async () => {
    await tellPolicyController(range.lab, "delay 2s");
  });

  test("without the gate, a new agent container reaches the outside", async () => {
    const { reached, arrived } = await withoutAdmission(
      range.target,
      range.around,
      ["admission"],
      () => startFresh(5, "without gate"),
    );
    expect(reached).toHaveLength(5);
    expect(reached.flat()).toContain(`${OUTSIDE.address} port ${OUTSIDE.port}`);
    expect(arrived).toBeGreaterThan(0);
  });

  test("with the gate, 100 of 100 new agent containers are closed from their first instruction", async () => {
    const { reached, arrived } = await startFresh(100, "with gate");
    expect(reached).toHaveLength(100);
    expect(reached.filter((destinations) => destinations.length > 0)).toEqual([]);
    expect(arrived).toBe(0);
  });
});

test("the gate holds a pod while nothing enforces policies, and says why", async () => {
  const { target, around, lab } = range;
  const here = `--namespace=${around.agent}`;
  await tellPolicyController(lab, "off");
  await target.kubectl(["delete", "pod", here, "--selector=app=runner"]);
  const message =
    "--output=jsonpath={.items[0].status.initContainerStatuses[0].lastState.terminated.message}";
  await expect
    .poll(() => target.kubectl(["get", "pods", here, "--selector=app=runner", message]), {
      timeout: 300_000,
      interval: 2000,
    })
    .toContain("the cluster does not enforce this pod's NetworkPolicies");
  await tellPolicyController(lab, "delay 0s");
  // Now the gate lets the pod pass, when the kubelet starts it again.
  await target.kubectl([
    "rollout",
    "status",
    "deployments",
    here,
    "--selector=app=runner",
    "--timeout=300s",
  ]);
});
