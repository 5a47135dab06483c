import { agentHolds, byDesign, counted, fidelityLosses, tally } from "./decision.ts";
import { pathFacts } from "./path-facts.ts";
import { differs, type Report } from "./report.ts";

/** The rules of the recommendation, in the order in which they apply. */
export const rules: readonly string[] = [
  "A path with a check that differs from the reviewed table is not recommended.",
  "A path that changes or drops part of a request or an answer (a fidelity failure) is not recommended: any fidelity failure → Envoy. A reviewed change by design is none.",
  "A path on which a check could not be run is not recommended: what was not measured is not known.",
  "Of the remaining paths, those where the agent does not hold the real credential come first.",
  "Of those, a path through LiteLLM comes first, because LiteLLM can count spend and reach other providers.",
];

export interface Recommendation {
  readonly path: Report["path"] | undefined;
  readonly because: string;
  /** Why each other measured path was not chosen. */
  readonly others: readonly { readonly path: Report["path"]; readonly because: string }[];
}

/** Applies {@link rules} to the measurements. */
export function recommend(reports: readonly Report[]): Recommendation {
  const candidates = reports.filter((report) => ruledOut(report) === undefined);
  const [best] = [...candidates].sort((a, b) => rank(a) - rank(b));
  const others = reports
    .filter((report) => report !== best)
    .map((report) => ({ path: report.path, because: ruledOut(report) ?? secondTo(report) }));
  if (best === undefined) {
    const because = reports.some(isUnknown)
      ? "What was measured does not show that a path passes everything on unchanged."
      : "No measured path passes everything on unchanged.";
    return { path: undefined, because, others };
  }
  const checks = tally(best.checks);
  const credential = agentHolds(best) ? "" : ", and no agent holds the real credential";
  return {
    path: best.path,
    because: `${checks.kept} of ${checks.measured} checks passed, nothing lost${byDesign(best)}${credential}.`,
    others,
  };
}

/** Whether only the checks that could not be run speak against a path. */
export function isUnknown(report: Report): boolean {
  return !report.checks.some(differs) && fidelityLosses(report).length === 0;
}

function ruledOut(report: Report): string | undefined {
  const unexpected = report.checks.filter(differs).length;
  if (unexpected > 0) {
    return report.path === "external"
      ? `It does not pass ${counted(unexpected, "check")} (rule 1).`
      : `It differs from the reviewed table in ${counted(unexpected, "check")} (rule 1).`;
  }
  const losses = fidelityLosses(report).length;
  if (losses > 0) {
    return `It changes or drops part of a request or an answer in ${counted(losses, "check")} (rule 2).`;
  }
  const { open } = tally(report.checks);
  return open > 0 ? `${counted(open, "check")} could not be run (rule 3).` : undefined;
}

function rank(report: Report): number {
  return (agentHolds(report) ? 2 : 0) + (pathFacts(report.path).throughLiteLlm ? 0 : 1);
}

function secondTo(report: Report): string {
  return agentHolds(report)
    ? "Passes everything on unchanged, but the agent holds the real credential (rule 4)."
    : "Passes everything on unchanged, but another path offers more (rule 5).";
}
