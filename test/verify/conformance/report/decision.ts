import { type Theme, themeOf } from "../checks/check.ts";
import { pathFacts } from "./path-facts.ts";
import { type CheckResult, differs, type Report } from "./report.ts";

/** The four questions of the spike that this project began with, and the checks that answer each. */
export const questions = [
  {
    letter: "A",
    title: "Are the API's errors native?",
    topic: "errors",
    themes: ["errors"],
  },
  {
    letter: "B",
    title: "Does prompt caching work?",
    topic: "caching",
    themes: ["caching"],
  },
  {
    letter: "C",
    title: "Does streaming arrive event by event?",
    topic: "streaming",
    themes: ["streaming"],
  },
  {
    letter: "D",
    title: "Do sessions go on, and tools make the round trip?",
    topic: "sessions and tools",
    themes: ["tools", "claude-code"],
  },
] as const satisfies readonly {
  letter: string;
  title: string;
  /** What it is about, where there is little room. */
  topic: string;
  themes: readonly Theme[];
}[];

/** How checks came out, counted. */
export interface Tally {
  readonly kept: number;
  readonly lost: number;
  readonly failed: number;
  /** Neither applicable nor skipped. */
  readonly measured: number;
}

export function tally(checks: readonly CheckResult[]): Tally {
  const kept = checks.filter(({ status }) => status === "pass").length;
  const lost = checks.filter(({ status }) => status === "known-loss").length;
  const failed = checks.filter(({ status }) => status === "fail").length;
  return { kept, lost, failed, measured: kept + lost + failed };
}

export function checksOf(report: Report, themes: readonly Theme[]): readonly CheckResult[] {
  return report.checks.filter(({ id }) => themes.includes(themeOf(id)));
}

/** Themes in which a loss means that what passes is not what was sent. */
const FIDELITY: readonly Theme[] = [
  "errors",
  "caching",
  "body",
  "headers",
  "streaming",
  "tools",
  "size",
  "disconnect",
  "claude-code",
];

/** Everything of a request or an answer that a path did not keep, expected or not. */
export function fidelityLosses(report: Report): readonly CheckResult[] {
  return checksOf(report, FIDELITY).filter(
    ({ status }) => status === "known-loss" || status === "fail",
  );
}

/** One row of the decision table. */
export interface Decision {
  readonly path: Report["path"];
  /** Answers to the four questions, by letter. */
  readonly answers: Readonly<Record<string, Tally>>;
  readonly unblocksAc5: string;
  readonly costCeiling: string;
  readonly portability: string;
  readonly observability: string;
  readonly risk: string;
}

/** The decision table that the spike left open, filled with what was measured. */
export function decide(report: Report): Decision {
  const facts = pathFacts(report.path);
  const answers = Object.fromEntries(
    questions.map(({ letter, themes }) => [letter, tally(checksOf(report, themes))]),
  );
  return {
    path: report.path,
    answers,
    unblocksAc5: unblocks(answers),
    costCeiling: facts.costCeiling,
    portability: facts.portability,
    observability: facts.observability,
    risk: risk(report),
  };
}

function unblocks(answers: Decision["answers"]): string {
  const entries = Object.entries(answers);
  const open = entries.filter(([, { measured }]) => measured === 0).map(([letter]) => letter);
  const no = entries.filter(([, { lost, failed }]) => lost + failed > 0).map(([letter]) => letter);
  if (no.length > 0) return `No: ${no.join(", ")} not kept.`;
  return open.length > 0 ? `Open: ${open.join(", ")} not measured.` : "Yes: A, B, C and D kept.";
}

function risk(report: Report): string {
  const unexpected = report.checks.filter(differs).length;
  const losses = fidelityLosses(report).length;
  if (unexpected > 0) return `High: ${unexpected} checks differ from the reviewed table.`;
  if (losses > 0) return `Medium: ${losses} known losses, and LiteLLM's releases to follow.`;
  return pathFacts(report.path).agentHoldsCredential
    ? "Medium: Nothing lost, but the agent holds the real credential."
    : "Low: Nothing lost.";
}

/** The rules of the recommendation, in the order they are applied. */
export const rules: readonly string[] = [
  "A path on which any check differs from the reviewed table is not recommended.",
  "A path that loses anything of what is sent either way (a fidelity failure) is not recommended: any fidelity failure → Envoy.",
  "Of paths that lose nothing, one where the agent does not hold the real credential comes first.",
  "Of those, one through LiteLLM comes first: it can count spend and reach other providers.",
];

export interface Recommendation {
  readonly path: Report["path"] | undefined;
  readonly because: string;
  /** Why each other measured path was not taken. */
  readonly others: readonly { readonly path: Report["path"]; readonly because: string }[];
}

/** Applies {@link rules} to what was measured. */
export function recommend(reports: readonly Report[]): Recommendation {
  const candidates = reports.filter((report) => ruledOut(report) === undefined);
  const [best] = [...candidates].sort((a, b) => rank(a) - rank(b));
  const others = reports
    .filter((report) => report !== best)
    .map((report) => ({ path: report.path, because: ruledOut(report) ?? secondTo(report) }));
  if (best === undefined) {
    return { path: undefined, because: "No measured path keeps everything.", others };
  }
  const checks = tally(best.checks);
  const credential = pathFacts(best.path).agentHoldsCredential
    ? ""
    : ", and no agent holds the real credential";
  return {
    path: best.path,
    because: `${checks.kept} of ${checks.measured} checks kept, nothing lost${credential}.`,
    others,
  };
}

function ruledOut(report: Report): string | undefined {
  const unexpected = report.checks.filter(differs).length;
  if (unexpected > 0) return `${unexpected} checks differ from the reviewed table (rule 1).`;
  const losses = fidelityLosses(report).length;
  return losses > 0 ? `${losses} fidelity failures (rule 2).` : undefined;
}

function rank({ path }: Report): number {
  const { agentHoldsCredential, throughLiteLlm } = pathFacts(path);
  return (agentHoldsCredential ? 2 : 0) + (throughLiteLlm ? 0 : 1);
}

function secondTo({ path }: Report): string {
  return pathFacts(path).agentHoldsCredential
    ? "Keeps everything, but the agent holds the real credential (rule 3)."
    : "Keeps everything; another path adds more (rule 4).";
}
