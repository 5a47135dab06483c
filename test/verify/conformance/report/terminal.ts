import { themeOf, themes } from "../checks/check.ts";
import { openQuestions } from "./open-questions.ts";
import { countByStatus, differs, type Report, type Status } from "./report.ts";

const MARKS: Readonly<Record<Status, string>> = {
  pass: "✓ passed",
  fail: "✗ FAIL",
  "known-loss": "▽ known loss",
  "by-design": "◇ by design",
  "not-applicable": "· not applicable",
  skipped: "· skipped",
};

const MARK_WIDTH = 16;

/** A report as a table for a terminal. Shows evidence only for checks that did not plainly pass. */
export function renderTerminal(report: Report): string {
  const lines = [
    "",
    `Stack ${report.stack}, path ${report.path}, ${report.baseUrl}`,
    Object.entries(report.versions)
      .map(([part, version]) => `${part} ${version}`)
      .join(", "),
  ];
  let theme = "";
  for (const check of report.checks) {
    const heading = themes[themeOf(check.id)];
    if (heading !== theme) lines.push("", heading);
    theme = heading;
    lines.push(`  ${MARKS[check.status].padEnd(MARK_WIDTH)}  ${check.title}  (${check.id})`);
    if (check.status === "pass" && !differs(check)) continue;
    if (differs(check)) lines.push(indent(`expected: ${check.expected}`));
    lines.push(indent(check.evidence));
  }
  const counts = countByStatus(report.checks);
  lines.push(
    "",
    `${counts.pass} passed, ${counts["known-loss"]} known losses, ${counts["by-design"]} changed by design, ${counts.fail} failed, ` +
      `${counts["not-applicable"]} not applicable, ${counts.skipped} skipped`,
    report.verdict === "as-expected"
      ? "Verdict: as expected by the table of known losses."
      : `Verdict: DIFFERS from the table of known losses in ${report.checks.filter(differs).length} checks.`,
    ...openQuestions(report),
    "",
  );
  return lines.join("\n");
}

function indent(text: string): string {
  return `  ${" ".repeat(MARK_WIDTH)}  ${text}`;
}
