import { budgetOwner, dollars, type UsageBudget, windowName } from "../usage/report.ts";
import type { Row } from "./report.ts";

/** From this share on, a budget is shown as nearly spent. */
const NEARLY = 0.8;

/** One row for each budget. */
export function budgetRows(budgets: readonly UsageBudget[]): Row[] {
  if (budgets.length === 0) return [{ title: "budgets", text: "none" }];
  return budgets.map(({ agent, window, limit, spent }) => {
    const share = spent / limit;
    const state =
      share >= 1 ? ", spent: requests get 429" : share >= NEARLY ? ", nearly spent" : "";
    return {
      title: `budget of ${budgetOwner(agent)}`,
      text: `${dollars(spent)} of ${dollars(limit)} a ${windowName(window)}${state}`,
      ...(share >= 1 && {
        todo: "wait for the window's end, or raise the budget and run pulumi up",
      }),
    };
  });
}
