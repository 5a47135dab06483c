import type { Need } from "../checks/check.ts";
import { isOpen, type Report } from "./report.ts";

/** What a target lacks, for a person, and how to run the checks that need it. */
const NEEDS: Readonly<Record<Exclude<Need, "long">, { lacks: string; find: string }>> = {
  upstream: {
    lacks: "compare what the gateway got with what the API sent",
    find: "npm run verify -- --all-paths runs them on every path, in front of a fake API",
  },
  claude: {
    lacks: "run the real Claude Code in an agent's pod",
    find: "npm run verify -- --stack runs them on a deployed stack",
  },
  configuration: {
    lacks: "read the configuration of the gateway's processes",
    find: "npm run verify -- --stack runs them on a deployed stack",
  },
  requestLog: {
    lacks: "read the gateway's log",
    find: "npm run verify -- --stack runs them on a deployed stack with a metered path",
  },
  spender: {
    lacks: "spend an agent's budget",
    find: "npm run verify -- --all-paths runs them where that costs nothing",
  },
};

/** What the measurement of a path does not say, and how to find out: a sentence for each reason. Empty if nothing is open. */
export function openQuestions(report: Report): string[] {
  const open = report.checks.filter(isOpen);
  const external = report.path === "external";
  const about = external ? "" : ` on ${report.path}`;
  return (Object.keys(NEEDS) as (keyof typeof NEEDS)[]).flatMap((need) => {
    // A check that lacks several things is counted once, at the first of them.
    const count = open.filter(({ unmet = [] }) => firstOf(unmet) === need).length;
    if (count === 0) return [];
    const { lacks, find } = NEEDS[need];
    const how = external ? "From outside only the client's side can be seen" : find;
    return [`Not known${about}: ${count} checks ${lacks}, which was not possible here. ${how}.`];
  });
}

function firstOf(unmet: readonly Need[]): Need | undefined {
  return (Object.keys(NEEDS) as Need[]).find((need) => unmet.includes(need));
}
