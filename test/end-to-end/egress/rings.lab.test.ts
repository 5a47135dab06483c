import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ports } from "../../../components/kubernetes/ports.ts";
import { runTurn } from "../../lab/claude.ts";
import { ephemeralContainer, measureBadPods } from "../../verify/egress/admission.ts";
import type { Attempt, Ring } from "../../verify/egress/attempt.ts";
import { openAttempts, openRange, type Range } from "./range.ts";
import { withForwardingDns, without, withoutAdmission } from "./rings.ts";
import { gateway } from "../../verify/egress/rows/gateway.ts";
import { inside } from "../../verify/egress/rows/inside.ts";
import { names } from "../../verify/egress/rows/names.ts";
import { outside } from "../../verify/egress/rows/outside.ts";
import { pods } from "../../verify/egress/rows/pods.ts";
import { measureGatewayPod } from "../../verify/egress/gateway-pod.ts";
import { measurePolicies } from "../../verify/egress/in-force.ts";
import { crowding, listening } from "./listener.ts";

/** One more connection to the gateway. */
const one: Attempt = {
  id: "one-connection",
  title: "one more connection",
  expected: "blocked",
  rings: ["firewall"],
  python: ({ gatewayAddress }) => `return reached("${gatewayAddress}", ${ports.agents})`,
};

/** Each ring taken away, so that what is said of it is seen to be its doing. */
let range: Range;

beforeAll(async () => {
  range = await openRange();
});

afterAll(async () => {
  await range.leave();
});

const open = (attempts: readonly Attempt[]) => openAttempts(attempts, range);
/** What is open in the end: kube-proxy hears of new pods, and of those that are gone, a moment after they are Ready. */
const settles = (attempts: readonly Attempt[], ids: readonly string[]) =>
  expect.poll(() => open(attempts), { timeout: 60_000, interval: 500 }).toEqual(ids);

type Row = Pick<Attempt, "id" | "rings">;
const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id);
const notHeldBy = (ring: Ring, rows: readonly Row[]) =>
  idsOf(rows.filter(({ rings }) => !rings.includes(ring)));

describe("of the attempts to reach something", () => {
  const redirect = gateway.filter(({ id }) => id === "metadata.redirect");
  // Envoy's admin interface is on loopback, and the lab's node has no SSH: no ring is needed for these.
  const closedAnyway = ["gateway.admin", "node.ssh"];
  const reaching = [...outside, ...redirect, ...inside].filter(
    ({ id }) => !closedAnyway.includes(id),
  );

  test("every one succeeds when neither policies nor firewall are there", async () => {
    await without(range.lab, ["policy", "firewall"], () => settles(reaching, idsOf(reaching)));
  });

  test("the firewall alone holds what is said of it, and nothing else", async () => {
    const rest = await without(range.lab, ["policy"], () => open(reaching));
    expect(rest).toEqual(notHeldBy("firewall", reaching));
  });

  test("policies alone hold what is said of them, and nothing else", async () => {
    const rest = await without(range.lab, ["firewall"], () => open(reaching));
    expect(rest).toEqual(notHeldBy("policy", reaching));
  });

  test("none succeeds when both are back", async () => {
    expect(await open(reaching)).toEqual([]);
  });
});

describe("of the look-ups", () => {
  test("every one gets out when the agents' DNS forwards and no policy holds it", async () => {
    await without(range.lab, ["policy"], () =>
      withForwardingDns(range.target, range.around, () => settles(names, idsOf(names))),
    );
  });

  test("the agents' DNS alone holds what is said of it, and nothing else", async () => {
    await without(range.lab, ["policy"], () => settles(names, notHeldBy("dns", names)));
  });

  test("policies alone hold what is said of them, and nothing else", async () => {
    await withForwardingDns(range.target, range.around, async () => {
      expect(await open(names)).toEqual(notHeldBy("policy", names));
    });
  });
});

describe("of the pods that must not be let in", () => {
  async function letIn(): Promise<string[]> {
    const { target, around } = range;
    const rows = [
      ...(await measureBadPods(pods, target, around)),
      await ephemeralContainer(target, around),
    ];
    return rows.filter(({ status }) => status === "fail").map(({ id }) => id);
  }
  const without = (...rings: ("admission" | "pod-security")[]) =>
    withoutAdmission(range.target, range.around, rings, letIn);
  const rows: readonly Row[] = [...pods, { id: "pod.ephemeral", rings: ["admission"] }];

  test("every one is let in when nobody asks", async () => {
    expect(await without("admission", "pod-security")).toEqual(idsOf(rows));
  });

  test("pod security alone refuses what is said of it, and nothing else", async () => {
    expect(await without("admission")).toEqual(notHeldBy("pod-security", rows));
  });

  test("the admission policy alone refuses all of them", async () => {
    expect(await without("pod-security")).toEqual([]);
  });
});

test("an agent reaches no other agent, where it would without policies", async () => {
  const { target, otherAgent } = range;
  await listening(target, otherAgent, async ({ address, port }) => {
    const neighbour: Attempt = {
      id: "pod.other-agent",
      title: "another agent's pod",
      expected: "blocked",
      rings: ["policy"],
      python: () => `return reached("${address}", ${port})`,
    };
    expect(await open([neighbour])).toEqual([]);
    expect(await without(range.lab, ["policy"], () => open([neighbour]))).toEqual([neighbour.id]);
  });
});

test("what is no public address is held back from the gateway's own pod by either ring alone", async () => {
  const status = async () => (await measureGatewayPod(range.around, range)).status;
  expect(await status()).toBe("pass");
  expect(await without(range.lab, ["firewall"], status)).toBe("pass");
  expect(await without(range.lab, ["policy"], status)).toBe("pass");
  expect(await without(range.lab, ["policy", "firewall"], status)).toBe("fail");
});

test("one pod's connections end at its share, and another agent's turn completes meanwhile", async () => {
  const { target, around, otherAgent } = range;
  const crowd = gateway.filter(({ id }) => id === "connections");
  expect(crowd).toHaveLength(1);
  expect(await open(crowd)).toEqual([]);
  expect(await without(range.lab, ["firewall"], () => open(crowd))).toEqual(["connections"]);
  await crowding(target, around, async () => {
    expect(await open([one])).toEqual([]);
    const turn = await runTurn(target, { namespace: otherAgent, prompt: "say: mine" });
    expect(turn).toMatchObject({ result: "mine", is_error: false });
  });
  await settles([one], [one.id]);
});

test("a rule that was added by hand is told of, though refresh does not see it", async () => {
  const { target, around } = range;
  const rows = async () =>
    (await measurePolicies("local", around, target))
      .filter(({ status }) => status !== "pass")
      .map(({ id, evidence }) => `${id}: ${evidence}`);
  const policy = ["networkpolicy", "agent", `--namespace=${around.agent}`];
  const patch = (change: object) =>
    target.kubectl(["patch", ...policy, "--type=json", `--patch=${JSON.stringify([change])}`]);
  expect(await rows()).toEqual([]);
  await patch({ op: "add", path: "/spec/egress/-", value: {} });
  try {
    expect(await rows()).toEqual([`policies.${around.agent}: agent was changed`]);
  } finally {
    const text = await target.kubectl(["get", ...policy, "--output=json"]);
    const { spec } = JSON.parse(text) as { spec: { egress: unknown[] } };
    await patch({ op: "remove", path: `/spec/egress/${spec.egress.length - 1}` });
  }
  expect(await rows()).toEqual([]);
});
