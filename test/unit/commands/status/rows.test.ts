import { describe, expect, test } from "vitest";
import { budgetRows } from "../../../../commands/status/budget.ts";
import { mintedRows } from "../../../../commands/status/credentials.ts";
import { machineRows, snapshotRow, tellingRow } from "../../../../commands/status/host.ts";
import { nodeRows } from "../../../../commands/status/node.ts";
import { type Pod, podRow } from "../../../../commands/status/pods.ts";
import { rowsOf } from "../../../../commands/status/report.ts";
import { renderTerminal } from "../../../../commands/status/terminal.ts";
import { verdictRow } from "../../../../commands/status/verdict.ts";
import { STEPS, type StepReport } from "../../../../infra/access/host-status.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");

describe("a node", () => {
  const node = (...conditions: [string, string][]) => ({
    metadata: { name: "host" },
    spec: {},
    status: {
      nodeInfo: { kubeletVersion: "v1.36.3" },
      conditions: conditions.map(([type, status]) => ({ type, status })),
    },
  });
  const WHY = "see why: kubectl describe node host";

  test.each([
    [
      "that is Ready",
      node(["Ready", "True"], ["DiskPressure", "False"]),
      "v1.36.3, Ready",
      undefined,
    ],
    ["without word of its kubelet", node(["Ready", "Unknown"]), "v1.36.3, not Ready", WHY],
    [
      "with a full disk",
      node(["Ready", "True"], ["DiskPressure", "True"]),
      "v1.36.3, DiskPressure",
      WHY,
    ],
    [
      "that is cordoned",
      { ...node(["Ready", "True"]), spec: { unschedulable: true } },
      "v1.36.3, cordoned",
      WHY,
    ],
  ])("%s", (_case, one, text, todo) => {
    expect(nodeRows([one])).toEqual([{ title: "node host", text, ...(todo && { todo }) }]);
  });
});

describe("pods", () => {
  const pod = (status: Partial<Pod["status"]>, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
    metadata: { name: "envoy-1", ...metadata },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }], ...status },
  });
  const container = (fields: object) => ({ name: "envoy", restartCount: 0, state: {}, ...fields });
  const crashed = (finishedAt: string) =>
    pod({
      containerStatuses: [
        container({
          restartCount: 3,
          lastState: { terminated: { reason: "OOMKilled", finishedAt } },
        }),
      ],
    });
  const failed = (reason: string, lastTransitionTime: string) => ({
    phase: "Failed",
    reason,
    conditions: [{ type: "Ready", status: "False", lastTransitionTime }],
  });
  const WHY = "see why: kubectl describe pods -n gw";

  test.each<[string, Pod[], string, string | undefined]>([
    ["all ready", [pod({}), pod({})], "2 of 2 pods ready", undefined],
    ["none of an agent without a runner", [], "no pods", undefined],
    [
      "one that still starts",
      [
        pod({
          conditions: [],
          initContainerStatuses: [container({ state: { waiting: { reason: "PodInitializing" } } })],
        }),
      ],
      "0 of 1 pods ready",
      undefined,
    ],
    [
      "one without its image",
      [
        pod({
          conditions: [],
          containerStatuses: [container({ state: { waiting: { reason: "ImagePullBackOff" } } })],
        }),
      ],
      "0 of 1 pods ready; envoy-1: envoy ImagePullBackOff",
      WHY,
    ],
    [
      "one that was evicted",
      [pod({ phase: "Failed", reason: "Evicted", conditions: [] })],
      "no pods; envoy-1 failed (Evicted)",
      WHY,
    ],
    [
      "one that was evicted an hour ago, beside the one in its place",
      [pod(failed("Evicted", "2026-11-25T11:00:00Z")), pod({ phase: "Running" })],
      "1 of 1 pods ready; envoy-1 failed (Evicted)",
      WHY,
    ],
    [
      "one that was evicted two days ago",
      [pod(failed("Evicted", "2026-11-23T11:00:00Z")), pod({ phase: "Running" })],
      "1 of 1 pods ready",
      undefined,
    ],
    ...["Terminated", "NodeShutdown", "Shutdown"].map(
      (reason): [string, Pod[], string, undefined] => [
        `one that the kubelet ended for a restart of the machine (${reason})`,
        [pod(failed(reason, "2026-11-25T11:00:00Z")), pod({ phase: "Running" })],
        "1 of 1 pods ready",
        undefined,
      ],
    ),
    [
      "one that restarted an hour ago",
      [crashed("2026-11-25T11:00:00Z")],
      "1 of 1 pods ready; envoy-1: envoy restarted (OOMKilled), 3 times in all",
      WHY,
    ],
    [
      "one that restarted two days ago",
      [crashed("2026-11-23T11:00:00Z")],
      "1 of 1 pods ready",
      undefined,
    ],
    [
      "one that ended well, and one that drains",
      [pod({ phase: "Succeeded" }), pod({}, { deletionTimestamp: "2026-11-25T11:59:00Z" })],
      "no pods",
      undefined,
    ],
  ])("%s", (_case, pods, text, todo) => {
    expect(podRow("gateway", "gw", pods, { nowMs: NOW })).toEqual({
      title: "gateway",
      text,
      ...(todo !== undefined && { todo }),
    });
  });

  test("among which one that has to be there is missing, and what to do", () => {
    const lacking = { what: "none is a gateway", todo: "deploy it again" };
    expect(podRow("gateway", "gw", [pod({})], { nowMs: NOW, lacking })).toEqual({
      title: "gateway",
      text: "1 of 1 pods ready; none is a gateway",
      todo: "deploy it again",
    });
    expect(podRow("gateway", "gw", [], { nowMs: NOW, lacking })).toEqual({
      title: "gateway",
      text: "no pods",
      todo: "deploy it again",
    });
  });
});

describe("budgets", () => {
  const TODO = "wait for the window's end, or raise the budget and run pulumi up";
  test.each([
    [1, "$1.00 of $5.00 a day", undefined],
    [4, "$4.00 of $5.00 a day, nearly spent", undefined],
    [5, "$5.00 of $5.00 a day, spent: requests get 429", TODO],
    [6.5, "$6.50 of $5.00 a day, spent: requests get 429", TODO],
  ])("%d of 5 dollars", (spent, text, todo) => {
    expect(budgetRows([{ agent: "dev-e", window: "day", limit: 5, spent }])).toEqual([
      { title: "budget of dev-e", text, ...(todo && { todo }) },
    ]);
  });

  test("none", () => {
    expect(budgetRows([])).toEqual([{ title: "budgets", text: "none" }]);
  });
});

test("a credential that the gateway's pod makes", () => {
  expect(
    mintedRows([
      { name: "upstream", secondsLeft: 899 },
      { name: "github", secondsLeft: -5 },
      { name: "other", problem: "the rule fdrl_1 is refused" },
    ]),
  ).toEqual([
    {
      title: "credential upstream",
      text: "made by the gateway's pod, good for 14 min, renewed before its end",
    },
    {
      title: "credential github",
      text: "no token: agents get 503",
      todo: "see the log of the container mint in the gateway's pod",
    },
    {
      title: "credential other",
      text: "no token: agents get 503",
      todo: "the rule fdrl_1 is refused",
    },
  ]);
});

describe("the last verdict", () => {
  const last = {
    measuredAt: "2026-11-20T00:00:00Z",
    path: "envoy-terminate",
    verdict: "as-expected",
    passed: "133",
    checks: "135",
  } as const;
  const where = { stack: "team", path: "envoy-terminate", nowMs: NOW };
  const RUN = "npm run verify -- --stack team";
  test.each([
    ["is missing", undefined, where, "none", `measure the gateway: ${RUN}`],
    [
      "is fresh",
      last,
      where,
      "as-expected on envoy-terminate, 2026-11-20T00:00:00Z: 133 of 135 checks passed",
      undefined,
    ],
    [
      "differs",
      { ...last, verdict: "differs" as const },
      where,
      "differs on envoy-terminate, 2026-11-20T00:00:00Z: 133 of 135 checks passed",
      `see which check differs: ${RUN}`,
    ],
    [
      "is of another path",
      last,
      { ...where, path: "shim" },
      "as-expected on envoy-terminate, 2026-11-20T00:00:00Z: 133 of 135 checks passed",
      `the path is shim now: ${RUN}`,
    ],
    [
      "is old",
      { ...last, measuredAt: "2026-08-01T00:00:00Z" },
      where,
      "as-expected on envoy-terminate, 2026-08-01T00:00:00Z: 133 of 135 checks passed",
      `it is older than 90 days: ${RUN}`,
    ],
  ])("%s", (_case, verdict, place, text, todo) => {
    expect(verdictRow(verdict, place)).toEqual({
      title: "last verdict",
      text,
      ...(todo && { todo }),
    });
  });
});

describe("the host", () => {
  const host = {
    stack: "me/p/host",
    project: "p",
    zone: "z",
    instance: "gateway-host",
    kubeconfigSecret: "s",
  };
  const step = (name: string, state: StepReport["state"], message: string): StepReport => ({
    step: name,
    state,
    time: "",
    message,
  });
  const up = Object.keys(STEPS).map((name) =>
    step(name, "ok", name === "k3s" ? "v1.36.3+k3s1" : ""),
  );

  test("that is ready, with its maintenance", () => {
    const steps = [...up, step("maintenance", "ok", "last: none; next: 2026-11-29T04:00Z")];
    expect(machineRows({ host, steps })).toEqual([
      { title: "host", text: "gateway-host (p, z): ready, k3s v1.36.3+k3s1" },
      { title: "maintenance", text: "last: none; next: 2026-11-29T04:00Z" },
    ]);
  });

  test("about which nobody is told, and about which somebody is", () => {
    const title = "alerts, logs";
    expect(tellingRow(host)).toEqual({ title, text: "nobody is told; logs stay on the machine" });
    expect(tellingRow({ ...host, alertsTo: ["a@example.com"], logBucket: "gateway-host" })).toEqual(
      { title, text: "told: a@example.com; logs in the log bucket gateway-host" },
    );
  });

  test.each([
    ["upgrade", "v1 -> v2: no space left"],
    ["maintenance", "k3s was restarted, but did not renew server/tls/a.crt"],
    ["logging", "the Ops Agent did not start"],
  ])("after a failed %s", (name, why) => {
    expect(machineRows({ host, steps: [...up, step(name, "failed", why)] })).toEqual([
      {
        title: "host",
        text: `gateway-host (p, z): ready, k3s v1.36.3+k3s1; ${name} failed: ${why}`,
        todo: "see each step: npm run host:status -- --stack me/p/host",
      },
    ]);
  });

  const snapshot = {
    name: "s1",
    creationTimestamp: "2026-11-25T03:00:00.000-00:00",
    status: "READY",
  };
  const TODO =
    "check the snapshot schedule of the data disk: gcloud compute resource-policies list";
  test.each([
    ["none", undefined, "none", TODO],
    ["of this night", snapshot, "s1, 2026-11-25T03:00:00.000-00:00, READY", undefined],
    [
      "of the day before yesterday",
      { ...snapshot, creationTimestamp: "2026-11-23T03:00:00Z" },
      "s1, 2026-11-23T03:00:00Z, READY",
      TODO,
    ],
    [
      "that failed",
      { ...snapshot, status: "FAILED" },
      "s1, 2026-11-25T03:00:00.000-00:00, FAILED",
      TODO,
    ],
  ])("a snapshot: %s", (_case, one, text, todo) => {
    expect(snapshotRow(one, NOW)).toEqual({ title: "last backup", text, ...(todo && { todo }) });
  });
});

test("a part that does not answer becomes a row, and the others are shown", async () => {
  const rows = [
    ...(await rowsOf("nodes", () =>
      Promise.reject(new Error("kubectl failed:\nno route to host\n")),
    )),
    { title: "budgets", text: "none" },
  ];
  expect(renderTerminal({ stack: "team", at: "2026-11-25T12:00:00.000Z", rows })).toBe(`
Stack team, 2026-11-25T12:00:00.000Z

  ! nodes    unknown
    budgets  none

Needs a person:
  nodes: no route to host

`);
});

test("nothing needs a person", () => {
  const rows = [{ title: "budgets", text: "none" }];
  expect(renderTerminal({ stack: "team", at: "now", rows })).toBe(
    "\nStack team, now\n\n    budgets  none\n\nNothing needs a person.\n\n",
  );
});
