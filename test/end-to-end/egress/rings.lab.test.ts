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

/** Removes each ring in turn, to show that the ring really blocks what the rows say. */
let range: Range;

beforeAll(async () => {
  range = await openRange();
});

afterAll(async () => {
  await range.leave();
});

const open = (attempts: readonly Attempt[]) => openAttempts(attempts, range);
/** Waits for the given ids to be open: kube-proxy learns of new and deleted pods shortly after they are Ready. */
const settles = (attempts: readonly Attempt[], ids: readonly string[]) =>
  expect.poll(() => open(attempts), { timeout: 60_000, interval: 500 }).toEqual(ids);

type Row = Pick<Attempt, "id" | "rings">;
const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id);
const notHeldBy = (ring: Ring, rows: readonly Row[]) =>
  idsOf(rows.filter(({ rings }) => !rings.includes(ring)));

describe("attempts to reach something", () => {
  const redirect = gateway.filter(({ id }) => id === "metadata.redirect");
  // These need no ring: Envoy's admin interface is on loopback, and the lab's node has no SSH.
  const closedAnyway = ["gateway.admin", "node.ssh"];
  const reaching = [...outside, ...redirect, ...inside].filter(
    ({ id }) => !closedAnyway.includes(id),
  );

  test("all succeed without policies and firewall", async () => {
    await without(range.lab, ["policy", "firewall"], () => settles(reaching, idsOf(reaching)));
  });

  test("the firewall alone blocks exactly the rows that name it", async () => {
    const rest = await without(range.lab, ["policy"], () => open(reaching));
    expect(rest).toEqual(notHeldBy("firewall", reaching));
  });

  test("policies alone block exactly the rows that name them", async () => {
    const rest = await without(range.lab, ["firewall"], () => open(reaching));
    expect(rest).toEqual(notHeldBy("policy", reaching));
  });

  test("none succeeds after both are restored", async () => {
    expect(await open(reaching)).toEqual([]);
  });
});

describe("look-ups", () => {
  test("all get out if the agents' DNS forwards and there are no policies", async () => {
    await without(range.lab, ["policy"], () =>
      withForwardingDns(range.target, range.around, () => settles(names, idsOf(names))),
    );
  });

  test("the agents' DNS alone blocks exactly the rows that name it", async () => {
    await without(range.lab, ["policy"], () => settles(names, notHeldBy("dns", names)));
  });

  test("policies alone block exactly the rows that name them", async () => {
    await withForwardingDns(range.target, range.around, async () => {
      expect(await open(names)).toEqual(notHeldBy("policy", names));
    });
  });
});

describe("pods that must be rejected", () => {
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

  test("all are accepted without admission policy and pod security", async () => {
    expect(await without("admission", "pod-security")).toEqual(idsOf(rows));
  });

  test("pod security alone rejects exactly the rows that name it", async () => {
    expect(await without("admission")).toEqual(notHeldBy("pod-security", rows));
  });

  test("the admission policy alone rejects all of them", async () => {
    expect(await without("pod-security")).toEqual([]);
  });
});

test("policies keep an agent from reaching another agent", async () => {
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

test("either ring alone keeps the gateway's own pod from private addresses", async () => {
  const status = async () => (await measureGatewayPod(range.around, range)).status;
  expect(await status()).toBe("pass");
  expect(await without(range.lab, ["firewall"], status)).toBe("pass");
  expect(await without(range.lab, ["policy"], status)).toBe("pass");
  expect(await without(range.lab, ["policy", "firewall"], status)).toBe("fail");
});

test("one pod gets only its share of connections, and another agent's turn completes meanwhile", async () => {
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

test("a rule that was added by hand is reported, although `pulumi up --refresh` does not detect it", async () => {
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
