import type { Attempt } from "./attempt.ts";

export type Status = "pass" | "fail" | "known-loss" | "not-applicable" | "skipped";

/** The result of one attempt. */
export interface AttemptResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly expected: Attempt["expected"];
  /** The rings that block it, each alone. */
  readonly rings: readonly string[];
  readonly evidence: string;
}

/** The JSON report of `npm run verify:egress`. */
export interface EgressReport {
  readonly stack: string;
  readonly path: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Whether the outside counted packets, or only the agent's view is known. */
  readonly view: "both-sides" | "agent";
  readonly checks: readonly AttemptResult[];
  readonly verdict: "closed" | "open";
}

const MARKS: Readonly<Record<Status, string>> = {
  pass: "✓ blocked",
  fail: "✗ OPEN",
  "known-loss": "▽ limit",
  "not-applicable": "· not applicable",
  skipped: "· skipped",
};

/** The report as a table for a terminal: first what must be blocked, then the limits with their reasons. */
export function renderEgressReport(report: EgressReport): string {
  const limits = report.checks.filter(({ expected }) => expected === "limit");
  const closed = report.checks.filter(({ expected }) => expected !== "limit");
  const count = (status: Status) => closed.filter((check) => check.status === status).length;
  const open = limits.filter(({ status }) => status === "known-loss").length;
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  return [
    "",
    `Stack ${report.stack}, path ${report.path}: ways out of an agent's pod`,
    ...(versions.length === 0 ? [] : [versions.join(", ")]),
    "",
    ...rowsOf(closed),
    "",
    `${count("pass")} blocked, ${count("fail")} open, ${count("not-applicable")} not applicable, ${count("skipped")} skipped`,
    "",
    `Known limits, counted separately: ${open} here`,
    ...limits
      .filter(({ status }) => status !== "not-applicable")
      .flatMap((limit) => [
        `${MARKS[limit.status].padEnd(MARK_WIDTH)}  ${limit.title}`,
        `${" ".repeat(MARK_WIDTH)}  ${limit.evidence}`,
      ]),
    "",
    report.view === "both-sides"
      ? "The outside counted the packets that arrived."
      : "Only the agent's view: nothing counts packets outside this cluster.",
    `Verdict: ${report.verdict}.`,
    "",
  ].join("\n");
}

const MARK_WIDTH = Math.max(...Object.values(MARKS).map((mark) => mark.length));

function rowsOf(checks: readonly AttemptResult[]): string[] {
  const width = Math.max(...checks.map(({ title }) => title.length));
  return checks.map(({ status, title, rings, evidence }) =>
    [
      MARKS[status].padEnd(MARK_WIDTH),
      title.padEnd(width),
      `[${rings.join(", ")}]`,
      firstLine(evidence),
    ].join("  "),
  );
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
