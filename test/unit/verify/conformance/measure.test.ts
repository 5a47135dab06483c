import { expect, test } from "vitest";
import type { Check, CheckContext, Outcome } from "../../../verify/conformance/checks/check.ts";
import { checks } from "../../../verify/conformance/checks/index.ts";
import { expectationOf } from "../../../verify/conformance/expected.ts";
import { judge, measure } from "../../../verify/conformance/measure.ts";
import type { RawClient } from "../../../verify/conformance/client/raw-client.ts";
import { variantNamed, variantNames } from "../../../../components/gateway/paths/index.ts";

const KEPT: Outcome = { kept: true, evidence: "seen" };
const LOST: Outcome = { kept: false, loss: "re-encoded", evidence: "seen" };
const PASS = { status: "pass" } as const;
const KNOWN = { status: "known-loss", loss: "re-encoded", reason: "why" } as const;

test.each([
  {
    what: "passed as expected",
    expectation: PASS,
    outcome: KEPT,
    status: "pass",
    expected: "pass",
  },
  {
    what: "lost, not expected",
    expectation: PASS,
    outcome: LOST,
    status: "fail",
    expected: "pass",
  },
  {
    what: "lost as known",
    expectation: KNOWN,
    outcome: LOST,
    status: "known-loss",
    expected: "known-loss",
  },
  {
    what: "changed by design",
    expectation: { ...KNOWN, status: "by-design" } as const,
    outcome: LOST,
    status: "by-design",
    expected: "by-design",
  },
  {
    what: "lost in another way than changed by design",
    expectation: { ...KNOWN, status: "by-design", loss: "dropped" } as const,
    outcome: LOST,
    status: "fail",
    expected: "by-design",
  },
  {
    what: "passed although a loss is expected",
    expectation: KNOWN,
    outcome: KEPT,
    status: "pass",
    expected: "known-loss",
  },
  {
    what: "lost in another way than expected",
    expectation: { ...KNOWN, loss: "dropped" } as const,
    outcome: LOST,
    status: "fail",
    expected: "known-loss",
  },
])("$what", ({ expectation, outcome, status, expected }) => {
  expect(judge(expectation, outcome)).toMatchObject({ status, expected });
});

const context: CheckContext = {
  client: undefined as unknown as RawClient,
  patienceMs: 0,
  long: false,
};

function check(run: Check["run"], needs: Check["needs"] = []): Check {
  return { id: "body.bytes", title: "t", protects: "p", needs, run };
}

function subject(path: "external" | "envoy-terminate") {
  return { stack: "s", path, versions: {}, baseUrl: "http://x", context, close: () => undefined };
}

test("a report differs if one check does", async () => {
  const checks = [check(() => Promise.resolve(KEPT)), check(() => Promise.resolve(LOST))];
  const report = await measure(subject("external"), () => undefined, checks);
  expect(report.checks.map(({ status }) => status)).toEqual(["pass", "fail"]);
  expect(report).toMatchObject({ verdict: "differs", view: "client" });
});

test("disconnect and Claude Code checks run in parallel with the rest, each theme in order, and are reported in order", async () => {
  const begun: string[] = [];
  let goOn: (() => void) | undefined;
  const waiting = new Promise<void>((resolve) => (goOn = resolve));
  const named = (id: Check["id"], waits = false): Check => ({
    ...check(async () => {
      begun.push(id);
      if (waits) await waiting;
      return KEPT;
    }),
    id,
  });
  const measured = measure(subject("external"), () => undefined, [
    named("body.bytes"),
    named("disconnect.in-stream", true),
    named("disconnect.in-upload"),
    named("claude-code.turn", true),
    named("claude-code.resume"),
    named("size.header"),
  ]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun.sort()).toEqual([
    "body.bytes",
    "claude-code.turn",
    "disconnect.in-stream",
    "size.header",
  ]);
  goOn?.();
  expect((await measured).checks.map(({ id }) => id)).toEqual([
    ...["body.bytes", "disconnect.in-stream", "disconnect.in-upload"],
    ...["claude-code.turn", "claude-code.resume", "size.header"],
  ]);
  expect(begun).toHaveLength(6);
});

test("a check that throws is failed, not skipped", async () => {
  const broken = check(() => Promise.reject(new Error("no such pod")));
  const report = await measure(subject("external"), () => undefined, [broken]);
  expect(report.checks[0]).toMatchObject({
    status: "fail",
    evidence: "[broken-check] no such pod",
  });
});

test("checks whose needs the target does not meet are skipped, with what is missing", async () => {
  const needy = check(() => Promise.resolve(LOST), ["upstream", "long"]);
  const report = await measure(subject("external"), () => undefined, [needy]);
  expect(report.checks[0]).toMatchObject({ status: "skipped", expected: "skipped" });
  expect(report.checks[0]?.evidence).toContain("--long");
  expect(report.verdict).toBe("as-expected");
});

test("ids are unique, and the table names only existing checks", () => {
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const known = new Set<string>([...ids, ...ids.map((id) => id.split(".")[0] ?? "")]);
  for (const variant of variantNames) {
    expect(Object.keys(variantNamed(variant).deviations).filter((key) => !known.has(key))).toEqual(
      [],
    );
  }
});

test("at least 40 checks apply to each HTTP path and 135 to Envoy, and all but one of them are expected to pass on Envoy", () => {
  for (const variant of variantNames.filter((name) => name !== "envoy-sni")) {
    const applying = checks.filter(
      (each) => expectationOf(variant, each).status !== "not-applicable",
    );
    expect(applying.length).toBeGreaterThanOrEqual(40);
  }
  const onEnvoy = checks.filter(
    (each) => expectationOf("envoy-terminate", each).status !== "not-applicable",
  );
  expect(onEnvoy.length).toBeGreaterThanOrEqual(135);
  const deviating = checks.filter(
    (each) => expectationOf("envoy-terminate", each).status !== "pass",
  );
  expect(deviating.map(({ id }) => id)).toEqual(["headers.accept-encoding"]);
});

test("where the API may fetch nothing, only compressed requests are expected to be refused in addition", () => {
  for (const variant of ["shim", "envoy-terminate", "hybrid"] as const) {
    const changed = checks.filter(
      (each) =>
        JSON.stringify(expectationOf(variant, each, { serverFetch: "deny" })) !==
        JSON.stringify(expectationOf(variant, each, { serverFetch: "allow" })),
    );
    expect(changed.map(({ id }) => id)).toEqual(["body.compressed"]);
    expect(expectationOf(variant, changed[0] as Check, { serverFetch: "deny" })).toMatchObject({
      status: "by-design",
      loss: "refused",
    });
  }
});

test("a check that would disturb others begins after all others have ended", async () => {
  let running = 0;
  const othersRunning: number[] = [];
  const named = (id: Check["id"], alone?: true): Check => ({
    ...check(async () => {
      running += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (alone) othersRunning.push(running - 1);
      running -= 1;
      return KEPT;
    }),
    id,
    ...(alone && { alone }),
  });
  const { checks } = await measure(subject("external"), () => undefined, [
    named("connection.pooled-reset", true),
    named("disconnect.in-stream"),
    named("claude-code.turn"),
    named("body.bytes"),
    named("body.numbers"),
  ]);
  expect(othersRunning).toEqual([0]);
  expect(checks.map(({ id }) => id)[0]).toBe("connection.pooled-reset");
  expect(checks).toHaveLength(5);
});
