import { CHARGE_UNIT_USD } from "../metering.ts";

/** What may be spent, in US dollars: at least one of the two. */
export interface Budget {
  readonly usdPerDay?: number | undefined;
  readonly usdPer30Days?: number | undefined;
}

/** What happens to a request whose budget cannot be checked: it is refused, or let through without being charged. */
export type OnFailure = "refuse" | "allow";

/** The budgets of a stack. */
export interface BudgetLimits {
  /** For all agents together. Empty if they have none. */
  readonly all: Budget;
  /** For each agent that has a budget of its own. */
  readonly agents: Readonly<Record<string, Budget>>;
}

/** A window of time after which the counts start again. */
export interface BudgetWindow {
  /** Name in descriptors and reports. */
  readonly name: "day" | "30days";
  /** Key in the configuration. */
  readonly key: keyof Budget;
  /** The rate-limit service's name. Its month is 30 days, counted from 1970-01-01 UTC, and no calendar month. */
  readonly unit: "day" | "month";
  /** Its length. The windows begin at multiples of it, counted from 1970-01-01 UTC. */
  readonly seconds: number;
  /** How messages name it, after an amount. */
  readonly phrase: string;
}

/** The windows, the shorter one first. */
export const budgetWindows: readonly BudgetWindow[] = [
  { name: "day", key: "usdPerDay", unit: "day", seconds: 86_400, phrase: "a day" },
  {
    name: "30days",
    key: "usdPer30Days",
    unit: "month",
    seconds: 30 * 86_400,
    phrase: "in 30 days",
  },
];

/** Domain of the descriptors. */
export const BUDGET_DOMAIN = "agents";

/** Keys of a descriptor's entries. */
export const descriptorKeys = { window: "window", agent: "agent" } as const;

/** Value of the entry `agent` for all agents together. */
export const ALL_AGENTS = "all";

/** The largest amount: the service counts charge units in 32 bits. */
export const MAX_USD = 42_949;

/** Digits after the point that an amount may have: a charge unit is the smallest amount. */
export const USD_DECIMALS = 5;

/**
 * The limit in charge units, as the service wants it. It refuses when a count is greater than the limit, and a budget is
 * spent when the count has reached it.
 */
export function limitUnits(usd: number): number {
  return Math.round(usd / CHARGE_UNIT_USD) - 1;
}

/** Whether there is a budget at all. */
export function hasBudget({ all, agents }: BudgetLimits): boolean {
  return [all, ...Object.values(agents)].some((budget) => windowsOf(budget).length > 0);
}

/** The windows for which a budget has an amount, the shorter one first. */
export function windowsOf(budget: Budget): { readonly window: BudgetWindow; usd: number }[] {
  return budgetWindows.flatMap((window) => {
    const usd = budget[window.key];
    return usd === undefined ? [] : [{ window, usd }];
  });
}
