import {
  ALL_AGENTS,
  BUDGET_DOMAIN,
  type BudgetLimits,
  budgetWindows,
  descriptorKeys,
  limitUnits,
} from "./limits.ts";

/** File name of the limits. */
export const LIMITS_FILE = "agents.yaml";

/**
 * The rate-limit service's limits, in charge units: for each window, the agents that have a budget, and all together. JSON
 * is YAML. The counts do not depend on a limit, so they stay when it changes.
 * https://github.com/envoyproxy/ratelimit#configuration
 */
export function renderLimits({ all, agents }: BudgetLimits): Readonly<Record<string, string>> {
  const budgets = Object.entries({ ...agents, [ALL_AGENTS]: all }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const windows = budgetWindows.map(({ name, key, unit }) => ({
    key: descriptorKeys.window,
    value: name,
    descriptors: budgets.flatMap(([agent, budget]) => {
      const usd = budget[key];
      return usd === undefined ? [] : [limit(agent, unit, usd)];
    }),
  }));
  const descriptors = windows.filter(({ descriptors }) => descriptors.length > 0);
  return { [LIMITS_FILE]: `${JSON.stringify({ domain: BUDGET_DOMAIN, descriptors }, null, 2)}\n` };
}

function limit(agent: string, unit: string, usd: number) {
  return {
    key: descriptorKeys.agent,
    value: agent,
    rate_limit: { unit, requests_per_unit: limitUnits(usd) },
    // The service's metrics name the agent.
    detailed_metric: true,
  };
}
