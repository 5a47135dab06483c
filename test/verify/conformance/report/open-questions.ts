import { counted } from "./decision.ts";
import { isOpen, type Report, type Unmet } from "./report.ts";

interface Open {
  readonly must: string;
  readonly find: string;
}

/** What checks must do that a target does not allow, and how to run them. */
const UNMET: Readonly<Record<Exclude<Unmet, "long" | "budget">, Open>> = {
  upstream: {
    must: "compare what the gateway got with what the API sent",
    find: "npm run verify -- --all-paths runs them on every path, in front of a fake API",
  },
  claude: {
    must: "run the real Claude Code in an agent's pod",
    find: "npm run verify -- --stack runs them on a deployed stack",
  },
  configuration: {
    must: "read the configuration of the gateway's processes",
    find: "npm run verify -- --stack runs them on a deployed stack",
  },
  search: {
    must: "search an agent's pod for the API's credential",
    find: "npm run verify -- --stack runs them on a deployed stack",
  },
  requestLog: {
    must: "read the gateway's log",
    find: "npm run verify -- --stack runs them on a deployed stack with a metered path",
  },
  spender: {
    must: "spend an agent's budget",
    find: "npm run verify -- --all-paths runs them where that costs nothing",
  },
};

/** What the measurement of a path does not say, and how to find out: a sentence for each reason. Empty if nothing is open. */
export function openQuestions(report: Report): string[] {
  const open = report.checks.filter(isOpen);
  const external = report.path === "external";
  const about = external ? "" : ` on ${report.path}`;
  // A check that lacks several things is counted once, at the first of them.
  const count = (need: Unmet) => open.filter(({ unmet = [] }) => firstOf(unmet) === need).length;
  const impossible = (Object.keys(UNMET) as (keyof typeof UNMET)[])
    .filter((need) => count(need) > 0)
    .map((need, index) => {
      const { must, find } = UNMET[need];
      const outside = index === 0 ? " From outside only the client's side can be seen." : "";
      return `Not known${about}: ${counted(count(need), "check")} must ${must}, which was not possible here.${external ? outside : ` ${find}.`}`;
    });
  const left = count("budget");
  if (left === 0) return impossible;
  return [
    ...impossible,
    `Not known${about}: ${counted(left, "check")} not run, because of --budget. Run the command again with a higher --budget.`,
  ];
}

function firstOf(unmet: readonly Unmet[]): Unmet | undefined {
  const order = [...Object.keys(UNMET), "budget"] as Unmet[];
  return order.find((need) => unmet.includes(need));
}
