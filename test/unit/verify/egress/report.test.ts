import { expect, test } from "vitest";
import {
  type AttemptResult,
  type EgressReport,
  renderEgressReport,
} from "../../../verify/egress/report.ts";

const row = (title: string, more: Partial<AttemptResult>): AttemptResult => ({
  ...{ id: title, title, expected: "blocked", rings: ["policy"], status: "pass" },
  evidence: `evidence of ${title}`,
  ...more,
});

const report: EgressReport = {
  stack: "dev",
  path: "shim",
  versions: { envoy: "1.2.3", kubernetes: "v1" },
  view: "both-sides",
  checks: [
    row("first", { rings: ["policy", "firewall"] }),
    row("second", { status: "fail", evidence: `${"long ".repeat(40)}\nand a second line` }),
    row("third", { status: "not-applicable" }),
    row("fourth", { status: "skipped" }),
    row("a limit", { expected: "limit", status: "known-loss", evidence: "why it is one" }),
    row("a limit elsewhere", { expected: "limit", status: "not-applicable" }),
  ],
  verdict: "open",
};

test("the table counts limits separately and explains them", () => {
  expect(renderEgressReport(report)).toBe(`
Stack dev, path shim: ways out of an agent's pod
envoy 1.2.3, kubernetes v1

✓ blocked         first   [policy, firewall]  evidence of first
✗ OPEN            second  [policy]  ${"long ".repeat(40).slice(0, 99)}…
· not applicable  third   [policy]  evidence of third
· skipped         fourth  [policy]  evidence of fourth

1 blocked, 1 open, 1 not applicable, 1 skipped

Known limits, counted separately: 1 here
▽ limit           a limit
                  why it is one

The outside counted the packets that arrived.
Verdict: open.
`);
});

test("the table says if no packets were counted", () => {
  const text = renderEgressReport({ ...report, view: "agent" });
  expect(text).toContain("Only the agent's view: nothing counts packets outside this cluster.");
  expect(text).not.toContain("The outside counted");
});
