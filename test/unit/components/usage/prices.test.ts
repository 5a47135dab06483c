import { expect, test } from "vitest";
import { priceMetadata } from "../../../../components/usage/prices/metadata.ts";
import { PricesConfig } from "../../../../components/usage/prices/schema.ts";
import {
  dearestFamily,
  highestFastFactor,
  listPrices,
  priceTable,
} from "../../../../components/usage/prices/table.ts";

test.each([
  ["claude-fable-5-1", 10, 50, 0.25, 12.5, 20],
  ["claude-mythos-5", 10, 50, 1, 12.5, 20],
  ["claude-opus-5-5", 4, 20, 0.2, 5, 8],
  ["claude-opus-5", 5, 25, 0.5, 6.25, 10],
  ["claude-opus-4-5", 5, 25, 0.5, 6.25, 10],
  ["claude-opus-4-1", 15, 75, 1.5, 18.75, 30],
  ["claude-sonnet-5-5", 2, 10, 0.1, 2.5, 4],
  ["claude-sonnet-5", 2, 10, 0.2, 2.5, 4],
  ["claude-sonnet-4", 3, 15, 0.3, 3.75, 6],
  ["claude-haiku-5-5", 0.1, 0.5, 0.01, 0.125, 0.2],
  ["claude-haiku-4-5", 1, 5, 0.1, 1.25, 2],
  ["claude-3-5-haiku", 0.8, 4, 0.08, 1, 1.6],
  ["claude-3-haiku", 0.25, 1.25, 0.03, 0.3, 0.5],
])("%s has its list prices", (family, input, output, cacheRead, cacheWrite5m, cacheWrite1h) => {
  const expected = { input, output, cacheRead, cacheWrite5m, cacheWrite1h };
  expect(listPrices[family]).toMatchObject(expected);
});

test("a cache costs the usual multiples of the input, except where the list says otherwise", () => {
  const unusual = Object.entries(listPrices).filter(
    ([, { input, cacheWrite5m, cacheWrite1h }]) =>
      Math.abs(cacheWrite5m - 1.25 * input) > 1e-9 || Math.abs(cacheWrite1h - 2 * input) > 1e-9,
  );
  expect(unusual.map(([family]) => family)).toEqual(["claude-3-haiku"]);
  const reads = Object.entries(listPrices).filter(
    ([, { input, cacheRead }]) => Math.abs(cacheRead - 0.1 * input) > 1e-9,
  );
  expect(reads.map(([family]) => family).sort()).toEqual([
    "claude-3-haiku",
    "claude-fable-5-1",
    "claude-mythos-5-1",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
  ]);
});

test("a team's price replaces only that price", () => {
  const table = priceTable({ "claude-opus-5": { input: 1, output: undefined } });
  expect(table["claude-opus-5"]).toEqual({ ...listPrices["claude-opus-5"], input: 1 });
  expect({ ...table, "claude-opus-5": 0 }).toEqual({ ...listPrices, "claude-opus-5": 0 });
});

test("a family with the name of a property of every object is a family like others", () => {
  const price = { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 };
  expect(priceTable({ constructor: price }).constructor).toEqual(price);
});

test.each(["constructor", "toString", "hasOwnProperty"])("%s is no known family", (family) => {
  const [issue] = PricesConfig.safeParse({ [family]: { input: 1 } }).error?.issues ?? [];
  expect([issue?.path, issue?.message]).toEqual([
    [family],
    expect.stringContaining("is not a known model family"),
  ]);
});

test("the fast mode of a model without a price has the highest factor, or none", () => {
  expect(highestFastFactor(listPrices)).toBe(6);
  const price = { input: 1, output: 2, cacheRead: 3, cacheWrite5m: 4, cacheWrite1h: 5 };
  expect(highestFastFactor({ "claude-a": price })).toBe(1);
});

test("the dearest family is the one with the highest price of output", () => {
  expect(listPrices[dearestFamily(listPrices)]).toMatchObject({ input: 15, output: 75 });
  const all = { input: 1, output: 90, cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1 };
  expect(dearestFamily(priceTable({ "claude-nova-1": all }))).toBe("claude-nova-1");
});

test("the script gets prices by family, the dearest one and the price of a search in micro-dollars", () => {
  const { "claude-haiku-5-5": haiku, "claude-opus-5": opus, ...rest } = priceMetadata(listPrices);
  expect(haiku).toEqual({
    input: 0.1,
    output: 0.5,
    cache_read: 0.01,
    cache_write_5m: 0.125,
    cache_write_1h: 0.2,
    long_prompt_tokens: 100_000,
    long_prompt_factor: 5,
  });
  expect(opus).toMatchObject({ fast_factor: 2 });
  expect(rest).toMatchObject({ web_search: 10_000, fast_factor: 6 });
  expect(Object.keys(rest)).toHaveLength(Object.keys(listPrices).length + 1);
});
