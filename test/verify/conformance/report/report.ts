import type { ProviderName } from "../../../../components/gateway/providers/index.ts";
import type { Check, Need } from "../checks/check.ts";
import type { Subject } from "../subject/subject.ts";

export type Status = "pass" | "fail" | "known-loss" | "by-design" | "not-applicable" | "skipped";

/** The result of one check on one gateway. */
export interface CheckResult {
  readonly id: Check["id"];
  readonly title: string;
  readonly status: Status;
  /** The status that the reviewed table names; `skipped` if the target lacks what the check needs. */
  readonly expected: Exclude<Status, "fail">;
  readonly evidence: string;
  /** Why a status other than `pass` is expected. */
  readonly reason?: string;
  /** What the target lacks, if the check was skipped. */
  readonly unmet?: readonly Need[];
}

/** The verdict on one gateway: the JSON report. */
export interface Report {
  readonly stack: string;
  readonly path: Subject["path"];
  /** The provider, if it is not Anthropic's API. */
  readonly provider?: ProviderName;
  readonly versions: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  /** When the measurement began (ISO 8601). */
  readonly measuredAt: string;
  /** Whether both sides were compared, or only the client's. */
  readonly view: "both-sides" | "client";
  readonly checks: readonly CheckResult[];
  /** `as-expected` if every check has the expected result. */
  readonly verdict: "as-expected" | "differs";
}

/** Whether a check has another result than expected. */
export function differs({ status, expected }: CheckResult): boolean {
  return status !== expected;
}

/** Whether the check has no answer. A check that `--long` leaves out by choice does not count. */
export function isOpen({ status, unmet = [] }: CheckResult): boolean {
  return status === "skipped" && (unmet.length === 0 || unmet.some((need) => need !== "long"));
}

/** The number of results with each status. */
export function countByStatus(checks: readonly CheckResult[]): Readonly<Record<Status, number>> {
  const counts = {
    pass: 0,
    fail: 0,
    "known-loss": 0,
    "by-design": 0,
    "not-applicable": 0,
    skipped: 0,
  };
  for (const { status } of checks) counts[status]++;
  return counts;
}
