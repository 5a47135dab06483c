import { isOpen, type Report, type Unmet } from "./report.ts";

interface Open {
  readonly lacks: string;
  readonly find: string;
  /** From outside too, this is how to run them. */
  readonly anywhere?: true;
}

/** What a target lacks, for a person, and how to run the checks that need it. */
const UNMET: Readonly<Record<Exclude<Unmet, "long">, Open>> = {
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
  budget: {
    lacks: "were not run, because of --budget",
    find: "Run the command again with a higher --budget",
    anywhere: true,
  },
};

/** What the measurement of a path does not say, and how to find out: a sentence for each reason. Empty if nothing is open. */
export function openQuestions(report: Report): string[] {
  const open = report.checks.filter(isOpen);
  const external = report.path === "external";
  const about = external ? "" : ` on ${report.path}`;
  return (Object.keys(UNMET) as (keyof typeof UNMET)[]).flatMap((need) => {
    // A check that lacks several things is counted once, at the first of them.
    const count = open.filter(({ unmet = [] }) => firstOf(unmet) === need).length;
    if (count === 0) return [];
    const { lacks, find, anywhere } = UNMET[need];
    const how =
      external && anywhere !== true ? "From outside only the client's side can be seen" : find;
    return [
      `Not known${about}: ${count} checks ${lacks}${anywhere === true ? "" : ", which was not possible here"}. ${how}.`,
    ];
  });
}

function firstOf(unmet: readonly Unmet[]): Unmet | undefined {
  return (Object.keys(UNMET) as Unmet[]).find((need) => unmet.includes(need));
}
