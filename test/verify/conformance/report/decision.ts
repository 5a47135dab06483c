import { type Theme, themeOf } from "../checks/check.ts";
import { pathFacts } from "./path-facts.ts";
import { type CheckResult, differs, isOpen, type Report } from "./report.ts";

/** The project's four original questions, and the themes of the checks that answer each. */
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
    title: "Do streams arrive event by event?",
    topic: "streaming",
    themes: ["streaming"],
  },
  {
    letter: "D",
    title: "Do sessions continue, and do tool calls work?",
    topic: "sessions and tools",
    themes: ["tools", "claude-code"],
  },
] as const satisfies readonly {
  letter: string;
  title: string;
  /** Short form of the title. */
  topic: string;
  themes: readonly Theme[];
}[];

/** The number of checks with each result. */
export interface Tally {
  readonly kept: number;
  /** Changed by design. */
  readonly changed: number;
  readonly lost: number;
  readonly failed: number;
  /** All checks except those that do not apply or were skipped. */
  readonly measured: number;
  /** Checks that could not be run. */
  readonly open: number;
}

export function tally(checks: readonly CheckResult[]): Tally {
  const kept = checks.filter(({ status }) => status === "pass").length;
  const changed = checks.filter(({ status }) => status === "by-design").length;
  const lost = checks.filter(({ status }) => status === "known-loss").length;
  const failed = checks.filter(({ status }) => status === "fail").length;
  const open = checks.filter(isOpen).length;
  return { kept, changed, lost, failed, measured: kept + changed + lost + failed, open };
}

export function checksOf(report: Report, themes: readonly Theme[]): readonly CheckResult[] {
  return report.checks.filter(({ id }) => themes.includes(themeOf(id)));
}

/** Themes in which a loss means that the gateway changed a request or an answer. */
const FIDELITY: readonly Theme[] = [
  "errors",
  "caching",
  "body",
  "headers",
  "streaming",
  "tools",
  "size",
  "disconnect",
  "connection",
  "claude-code",
];

/** The checks that show a change to a request or an answer, whether expected or not. */
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
  readonly credentialHolder: string;
  readonly portability: string;
  readonly observability: string;
  readonly risk: string;
  /** The columns whose text describes the path and is not measured. */
  readonly descriptions: readonly Describable[];
}

/** Columns that are a description where they cannot be measured. */
export const describable = ["costCeiling", "portability", "observability"] as const;
type Describable = (typeof describable)[number];

/** Fills the decision table for one path from its measurement. */
export function decide(report: Report): Decision {
  const answers = Object.fromEntries(
    questions.map(({ letter, themes }) => [letter, tally(checksOf(report, themes))]),
  );
  return {
    path: report.path,
    answers,
    unblocksAc5: unblocks(answers),
    costCeiling: answerOf(
      report,
      ANSWERED_BY.costCeiling,
      "a spent budget refuses the agent's next request",
    ),
    credentialHolder: holder(report),
    portability: portability(report),
    observability: answerOf(
      report,
      ANSWERED_BY.observability,
      "tokens and cost of each request, by agent",
    ),
    risk: risk(report),
    descriptions: describable.filter((column) => isDescription(report, column)),
  };
}

const HOLDER = "configuration.credential-holder";

/** Who holds the API's credential, as the search of an agent's pod showed. */
function holder({ checks }: Report): string {
  const check = checks.find(({ id }) => id === HOLDER);
  switch (check?.status) {
    case "pass":
      return "Gateway: the agent's pod contains none of the stack's other keys.";
    case "by-design":
    case "known-loss":
    case "fail":
      return `Agent: ${withoutLoss(check.evidence)}.`;
    default:
      return `Not measured: ${HOLDER} ${check?.evidence ?? "was not run"}.`;
  }
}

function withoutLoss(evidence: string): string {
  return evidence.replace(/^\[[\w-]+\] /, "");
}

/** Whether the agent holds the API's credential. Where this was not searched, the path's description counts. */
export function agentHolds({ path, checks }: Report): boolean {
  const status = checks.find(({ id }) => id === HOLDER)?.status;
  return status === undefined || status === "skipped" || status === "not-applicable"
    ? pathFacts(path).agentHoldsCredential
    : status !== "pass";
}

/** The checks that answer a column. */
const ANSWERED_BY = { costCeiling: "cost.ceiling", observability: "cost.record" } as const;

function isDescription({ provider, checks }: Report, column: Describable): boolean {
  if (column === "portability") return provider === undefined;
  const answer = checks.find(({ id }) => id === ANSWERED_BY[column]);
  return answer?.status === "not-applicable";
}

/** The text of a column, which says so if it is not measured. */
export function marked(decision: Decision, column: Describable): string {
  const text = decision[column];
  return decision.descriptions.includes(column) ? `${text} (description)` : text;
}

/** Whether agents can use another provider: what the real Claude Code did with it, or what the path offers. */
function portability(report: Report): string {
  const { provider } = report;
  if (provider === undefined) return pathFacts(report.path).portability;
  const { kept, measured } = tally(checksOf(report, ["claude-code"]));
  if (measured === 0) return `Not measured: no check ran the real Claude Code with ${provider}.`;
  const seen = `${kept} of ${measured} checks with the real Claude Code and ${provider} passed`;
  return kept === measured ? `Yes: ${seen}.` : `No: ${seen}.`;
}

/** A yes-or-no answer that one check gives. `yes` says what the check saw. */
function answerOf(report: Report, id: CheckResult["id"], yes: string): string {
  const check = report.checks.find((result) => result.id === id);
  switch (check?.status) {
    case "pass":
      return `Yes: ${yes}.`;
    case "not-applicable":
      return `No: ${check.evidence}.`;
    case "fail":
    case "known-loss":
      return `No: ${id} did not pass.`;
    default:
      return `Not measured: ${id} ${check?.evidence ?? "was not run"}.`;
  }
}

function unblocks(answers: Decision["answers"]): string {
  const entries = Object.entries(answers);
  const open = entries.flatMap(([letter, { open, measured }]) =>
    open > 0 || measured === 0 ? [letter] : [],
  );
  const no = entries.filter(([, { lost, failed }]) => lost + failed > 0).map(([letter]) => letter);
  if (no.length > 0) return `No: ${no.join(", ")} did not pass.`;
  return open.length > 0
    ? `Open: ${open.join(", ")} not measured completely.`
    : "Yes: A, B, C and D passed.";
}

function risk(report: Report): string {
  const unexpected = report.checks.filter(differs).length;
  const losses = fidelityLosses(report).length;
  if (unexpected > 0)
    return `High: it differs from the reviewed table in ${counted(unexpected, "check")}.`;
  if (losses > 0)
    return `Medium: ${counted(losses, "known loss")}, and each LiteLLM release must be checked again.`;
  const { open } = tally(report.checks);
  if (open > 0) return `Unknown: ${counted(open, "check")} could not be run.`;
  return agentHolds(report)
    ? `Medium: Nothing lost${byDesign(report)}, but the agent holds the real credential.`
    : `Low: Nothing lost${byDesign(report)}.`;
}

/** `, 1 thing changed by design`, of requests and answers; empty if nothing was. */
export function byDesign(report: Report): string {
  const { changed } = tally(checksOf(report, FIDELITY));
  return changed === 0 ? "" : `, ${counted(changed, "thing")} changed by design`;
}

/** `1 check`, `2 checks`, `2 known losses`. */
export function counted(count: number, what: string): string {
  if (count === 1) return `1 ${what}`;
  return `${count} ${what}${what.endsWith("s") ? "es" : "s"}`;
}
