import { expect, test } from "vitest";
import { hasBudget, limitUnits } from "../../../../../components/usage/budget/limits.ts";
import { renderLimits } from "../../../../../components/usage/budget/ratelimit-config.ts";

test.each([
  [0.00001, 0],
  [0.05, 4999],
  [0.29, 28_999],
  [1.1, 109_999],
  [1.005, 100_499],
  [5, 499_999],
  [42_949, 4_294_899_999],
])("%d US dollars: refused above %d units, that is when all are spent", (usd, units) => {
  expect(limitUnits(usd)).toBe(units);
  expect(limitUnits(usd)).toBeLessThan(2 ** 32);
});

test("every whole unit of a cent is exact", () => {
  for (let units = 1; units <= 100_000; units++)
    expect(limitUnits(units / 100_000)).toBe(units - 1);
});

test("the limits list windows, and in them the agents and all together", () => {
  const files = renderLimits({
    all: { usdPerDay: 10, usdPer30Days: 100 },
    agents: { "dev-f": { usdPer30Days: 40 }, "dev-e": { usdPerDay: 5 } },
  });
  expect(Object.keys(files)).toEqual(["agents.yaml"]);
  const limit = (value: string, unit: string, requests_per_unit: number) => ({
    key: "agent",
    value,
    rate_limit: { unit, requests_per_unit },
    detailed_metric: true,
  });
  expect(JSON.parse(files["agents.yaml"] ?? "")).toEqual({
    domain: "agents",
    descriptors: [
      {
        key: "window",
        value: "day",
        descriptors: [limit("all", "day", 999_999), limit("dev-e", "day", 499_999)],
      },
      {
        key: "window",
        value: "30days",
        descriptors: [limit("all", "month", 9_999_999), limit("dev-f", "month", 3_999_999)],
      },
    ],
  });
});

test("a window without a limit is left out", () => {
  const { "agents.yaml": text = "" } = renderLimits({ all: {}, agents: { a: { usdPerDay: 1 } } });
  expect(text).toContain('"day"');
  expect(text).not.toMatch(/30days|month|"all"/);
});

test.each([
  [{ all: {}, agents: {} }, false],
  [{ all: {}, agents: { a: {} } }, false],
  [{ all: { usdPerDay: 1 }, agents: {} }, true],
  [{ all: {}, agents: { a: { usdPer30Days: 1 } } }, true],
])("%j has a budget: %s", (limits, expected) => {
  expect(hasBudget(limits)).toBe(expected);
});
