import type { AttemptResult, Status } from "./measure.ts";

/** The JSON report of `npm run verify:egress`. */
export interface EgressReport {
  readonly stack: string;
  readonly path: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Whether the far side counted packets, or the agent's view is all there is. */
  readonly view: "both-sides" | "agent";
  readonly checks: readonly AttemptResult[];
  readonly verdict: "closed" | "open";
}

const MARKS: Readonly<Record<Status, string>> = {
  pass: "✓ held",
  fail: "✗ OPEN",
  "known-loss": "▽ limit",
  "not-applicable": "· not applicable",
  skipped: "· skipped",
};

/** The report as a table for a terminal. */
export function renderEgressReport(report: EgressReport): string {
  const width = Math.max(...report.checks.map(({ title }) => title.length));
  const rows = report.checks.map(({ status, title, rings, evidence }) =>
    [
      MARKS[status].padEnd(16),
      title.padEnd(width),
      `[${rings.join(", ")}]`,
      firstLine(evidence),
    ].join("  "),
  );
  const count = (status: Status) => report.checks.filter((check) => check.status === status).length;
  return [
    "",
    `Stack ${report.stack}, path ${report.path}: ways out of an agent's pod`,
    "",
    ...rows,
    "",
    `${count("pass")} held, ${count("fail")} open, ${count("known-loss")} limits, ${count("not-applicable")} not applicable, ${count("skipped")} skipped`,
    report.view === "both-sides"
      ? "The far side counted what arrived."
      : "Seen from the agent alone: nobody counts packets outside this cluster.",
    `Verdict: ${report.verdict}.`,
    "",
  ].join("\n");
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
