import { describe, expect, test } from "vitest";
import { AgentBudgetConfig, BudgetConfig } from "../../../../../components/usage/budget/schema.ts";

function problems(schema: typeof AgentBudgetConfig | typeof BudgetConfig, value: unknown) {
  const parsed = schema.safeParse(value);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("an amount", () => {
  test.each([
    [5, 5],
    ["5", 5],
    ["0.05", 0.05],
    [0.05, 0.05],
    ["0.00001", 0.00001],
    [0.00001, 0.00001],
    ["1.500000", 1.5],
    [42_949, 42_949],
    ["42949", 42_949],
  ])("%j is %d US dollars", (value, usdPerDay) => {
    expect(AgentBudgetConfig.parse({ usdPerDay: value })).toEqual({ usdPerDay });
    expect(BudgetConfig.parse({ usdPer30Days: value })).toEqual({ usdPer30Days: usdPerDay });
  });

  const notAnAmount = "is not an amount in US dollars: write a plain number, for example 5 or 0.05";
  const notAbove = "is not above 0: remove the agent instead if it may spend nothing";
  const tooMuch =
    "is more than 42949 US dollars, the most that can be counted: write a smaller amount";
  const tooFine =
    "has more than 5 digits after the point, and 0.00001 is the smallest unit: round it";
  test.each([
    ["1e3", notAnAmount],
    ["", notAnAmount],
    [" 5", notAnAmount],
    ["$5", notAnAmount],
    ["5 USD", notAnAmount],
    ["5,00", notAnAmount],
    [".5", notAnAmount],
    ["5.", notAnAmount],
    ["0x10", notAnAmount],
    ["NaN", notAnAmount],
    [NaN, notAnAmount],
    ["Infinity", notAnAmount],
    [Infinity, notAnAmount],
    [true, notAnAmount],
    [null, notAnAmount],
    [[5], notAnAmount],
    [{ usd: 5 }, notAnAmount],
    [-1, notAbove],
    ["-0.05", notAbove],
    [0, notAbove],
    ["0.00", notAbove],
    [42_949.00001, tooMuch],
    ["42950", tooMuch],
    [1e21, notAnAmount],
    ["0.000001", tooFine],
    [0.000001, tooFine],
    [1e-7, tooFine],
    ["1.123456", tooFine],
  ])("%j is refused", (value, message) => {
    expect(problems(AgentBudgetConfig, { usdPerDay: value })).toEqual([`usdPerDay: ${message}`]);
    expect(problems(BudgetConfig, { usdPer30Days: value })).toEqual([`usdPer30Days: ${message}`]);
  });
});

test("an agent's budget needs an amount", () => {
  expect(problems(AgentBudgetConfig, {})).toEqual([
    ": has no amount: set usdPerDay, usdPer30Days or both, for example pulumi config set --path 'agents[0].budget.usdPerDay' 5",
  ]);
});

test("only the common budget says what happens when it cannot be checked", () => {
  expect(BudgetConfig.parse({ usdPerDay: 5, onFailure: "allow" })).toEqual({
    usdPerDay: 5,
    onFailure: "allow",
  });
  expect(AgentBudgetConfig.safeParse({ usdPerDay: 5, onFailure: "allow" }).success).toBe(false);
  expect(BudgetConfig.safeParse({ usdPerDay: 5, onFailure: "ignore" }).success).toBe(false);
});
