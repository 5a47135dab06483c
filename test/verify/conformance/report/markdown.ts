import { decide, type Decision, marked, questions, tally } from "./decision.ts";
import { pathFacts } from "./path-facts.ts";
import { type Report } from "./report.ts";

/** The decision table in Markdown, as in the README: first the measurements, then the conclusions. */
export function renderDecisionTable(reports: readonly Report[]): string {
  const rows = reports.map((report) => row(report, decide(report)));
  const head = [
    "path",
    ...questions.map(({ letter, topic }) => `${letter} ${topic}`),
    "checks passed",
    "AC 5 unblocks?",
    "cost ceiling?",
    "who holds the credential?",
    "provider portability?",
    "observability hook?",
    "risk",
  ];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function row(report: Report, decision: Decision): string[] {
  const share = ({ kept, measured }: ReturnType<typeof tally>) => `${kept}/${measured}`;
  return [
    pathFacts(report.path).name,
    ...questions.map(({ letter }) => share(decision.answers[letter] ?? tally([]))),
    share(tally(report.checks)),
    decision.unblocksAc5,
    marked(decision, "costCeiling"),
    decision.credentialHolder,
    marked(decision, "portability"),
    marked(decision, "observability"),
    decision.risk,
  ];
}
