import { checks as allChecks } from "./checks/index.ts";
import {
  type Check,
  type CheckContext,
  type Outcome,
  themeOf,
  unmetNeeds,
} from "./checks/check.ts";
import { type Expectation, expectationOf } from "./expected.ts";
import { type CheckResult, differs, type Report } from "./report/report.ts";
import type { Subject } from "./subject/subject.ts";

/** Checks that mostly wait. Each group runs in parallel with the rest, one check after another. */
const BESIDE: readonly ((check: Check) => boolean)[] = [
  ({ id }) => themeOf(id) === "disconnect",
  ({ id, needs }) => themeOf(id) === "claude-code" || needs.includes("claude"),
];

/** Called with the progress of a measurement. */
export type OnResult = (done: number, of: number) => void;

/** Runs every check on a gateway and compares the results with the table of known losses. */
export async function measure(
  subject: Subject,
  onResult: OnResult = () => undefined,
  checks: readonly Check[] = allChecks,
): Promise<Report> {
  const measuredAt = new Date().toISOString();
  const results = new Map<Check, CheckResult>();
  const one = async (check: Check) => {
    results.set(check, await result(subject, check));
    onResult(results.size, checks.length);
  };
  const inOrder = async (some: readonly Check[]) => {
    for (const check of some) await one(check);
  };
  const together = checks.filter((check) => check.alone !== true);
  const slow = together.filter((check) => check.slow === true);
  const quick = together.filter((check) => check.slow !== true);
  const rest = quick.filter((check) => !BESIDE.some((belongs) => belongs(check)));
  await Promise.all([
    ...slow.map(one),
    ...BESIDE.map((belongs) => inOrder(quick.filter(belongs))),
    inOrder(rest),
  ]);
  await inOrder(checks.filter((check) => check.alone === true));

  const ordered = checks.flatMap((check) => results.get(check) ?? []);
  return {
    stack: subject.stack,
    path: subject.path,
    ...(subject.provider !== undefined && { provider: subject.provider }),
    versions: subject.versions,
    baseUrl: subject.baseUrl,
    measuredAt,
    view: subject.context.upstream === undefined ? "client" : "both-sides",
    checks: ordered,
    verdict: ordered.some(differs) ? "differs" : "as-expected",
  };
}

async function result(subject: Subject, check: Check): Promise<CheckResult> {
  const { path, context } = subject;
  const { id, title } = check;
  const expectation = expectationOf(path, check, subject);
  if (expectation.status === "not-applicable") {
    const { status, reason } = expectation;
    return { id, title, status, expected: status, evidence: reason, reason };
  }
  const unmet = unmetNeeds(check, context);
  if (unmet.length > 0) {
    const evidence = `needs ${unmet.map((need) => NEEDS[need]).join(" and ")}`;
    return { id, title, status: "skipped", expected: "skipped", evidence, unmet };
  }
  return { id, title, ...judge(expectation, await outcomeOf(check, context)) };
}

const NEEDS = {
  upstream: "the fake API, to compare both sides",
  claude: "an agent's pod with Claude Code",
  configuration: "access to the gateway's pods",
  requestLog: "access to the gateway's log",
  spender: "the lab, because on your own stack this check would spend your money",
  long: "--long",
} as const;

async function outcomeOf(check: Check, context: CheckContext): Promise<Outcome> {
  try {
    return await check.run(context);
  } catch (error) {
    return { kept: false, loss: "broken-check", evidence: (error as Error).message };
  }
}

/** The status of an outcome, given the expected one. */
export function judge(
  expectation: Exclude<Expectation, { status: "not-applicable" }>,
  outcome: Outcome,
): Pick<CheckResult, "status" | "expected" | "evidence" | "reason"> {
  const expected = expectation.status;
  const reason = expectation.status === "pass" ? {} : { reason: expectation.reason };
  const { evidence } = outcome;
  if (outcome.kept) return { status: "pass", expected, evidence, ...reason };
  const known = expectation.status !== "pass" && expectation.loss === outcome.loss;
  return {
    status: known ? expected : "fail",
    expected,
    evidence: `[${outcome.loss}] ${evidence}`,
    ...reason,
  };
}
