import { parse } from "yaml";
import {
  BUDGET_DOMAIN,
  type BudgetWindow,
  budgetWindows,
  descriptorKeys,
} from "../../components/usage/budget/limits.ts";
import { CHARGE_UNIT_USD } from "../../components/usage/metering.ts";
import type { UsageBudget } from "./report.ts";

/** A limit of the rate-limit service. */
export interface Limit {
  readonly agent: string;
  readonly window: BudgetWindow;
  /** The greatest count that lets a request through, in charge units. */
  readonly units: number;
}

interface Descriptor {
  readonly key?: string;
  readonly value?: string;
  readonly descriptors?: readonly Descriptor[];
  readonly rate_limit?: { readonly requests_per_unit: number };
}

/** The budgets in the rate-limit service's files, by window and agent. */
export function limitsOf(files: Readonly<Record<string, string>>): Limit[] {
  return Object.values(files).flatMap((text) => {
    const { domain, descriptors = [] } = parse(text) as {
      readonly domain?: string;
      readonly descriptors?: readonly Descriptor[];
    };
    if (domain !== BUDGET_DOMAIN) return [];
    return descriptors.flatMap(({ value, descriptors: agents = [] }) => {
      const window = budgetWindows.find(({ name }) => name === value);
      return agents.flatMap(({ value: agent, rate_limit: limit }) =>
        window !== undefined && agent !== undefined && limit !== undefined
          ? [{ agent, window, units: limit.requests_per_unit }]
          : [],
      );
    });
  });
}

/**
 * The key of a limit's present counter: domain, entries and the start of the window.
 * https://github.com/envoyproxy/ratelimit/blob/main/src/limiter/cache_key.go
 */
export function counterKey({ agent, window }: Limit, nowMs: number): string {
  const { name, seconds } = window;
  const start = Math.floor(nowMs / 1000 / seconds) * seconds;
  return `${BUDGET_DOMAIN}_${descriptorKeys.window}_${name}_${descriptorKeys.agent}_${agent}_${start}`;
}

/** Budgets with what was spent, from what `valkey-cli MGET` printed: a line for each key, empty if there is none. */
export function budgetsOf(limits: readonly Limit[], printed: string): UsageBudget[] {
  const counts = printed.split("\n").map((line) => Number(line.trim()));
  return limits.map(({ agent, window, units }, index) => ({
    agent,
    window: window.name,
    // A budget is spent when the count has reached it; the service refuses when the count is above its limit.
    limit: inDollars(units + 1),
    spent: inDollars(counts[index] ?? 0),
  }));
}

function inDollars(units: number): number {
  return Math.round(units) / Math.round(1 / CHARGE_UNIT_USD);
}
