import { expect, test } from "vitest";
import { KEY, gateway, parse as parseStack, refusal as refusalOf, type Sections } from "./stack.ts";

const FIVE = { input: 1, output: "2.5", cacheRead: 0, cacheWrite5m: "1", cacheWrite1h: 1000 };

const stack = { ...gateway, gateway: { path: "envoy" } };

const parse = (sections: Sections) => parseStack({ ...stack, ...sections });
const refusal = (sections: Sections) => refusalOf({ ...stack, ...sections });

test("prices are numbers or decimal text, and none by default", () => {
  expect(parse({})).toMatchObject({ prices: {} });
  expect(
    parse({ prices: { "claude-opus-5": { input: "4.50", cacheRead: 0 }, "claude-nova-1": FIVE } }),
  ).toMatchObject({
    prices: {
      "claude-opus-5": { input: 4.5, cacheRead: 0 },
      "claude-nova-1": { input: 1, output: 2.5, cacheRead: 0, cacheWrite5m: 1, cacheWrite1h: 1000 },
    },
  });
});

test.each([
  [-1, "= -1 is not a price: write US dollars per million tokens, for example 4 or 0.25"],
  ["-1", '= "-1" is not a price: write US dollars per million tokens, for example 4 or 0.25'],
  ["$4", '= "$4" is not a price: write US dollars per million tokens, for example 4 or 0.25'],
  ["1e3", '= "1e3" is not a price: write US dollars per million tokens, for example 4 or 0.25'],
  ["", '= "" is not a price: write US dollars per million tokens, for example 4 or 0.25'],
  [true, "= true is not a price: write US dollars per million tokens, for example 4 or 0.25"],
  [1001, "= 1001 is more than 1000: write US dollars per million tokens, for example 4 or 0.25"],
])("%j is refused", (input, message) => {
  expect(refusal({ prices: { "claude-opus-5": { input } } })).toEqual([
    `  prices.claude-opus-5.input ${message}`,
  ]);
});

test.each([
  ["a typo", "claude-opus-45", { input: 1 }],
  ["a typo with one price missing", "claude-opus-45", { ...FIVE, cacheRead: undefined }],
  ["a name that no model has", "opus", FIVE],
  ["a pattern", "claude-*", FIVE],
])("an unknown family is refused: %s", (_, family, prices) => {
  const [line, ...more] = refusal({ prices: { [family]: prices } });
  expect(more).toEqual([]);
  expect(line).toMatch(
    new RegExp(
      `^ {2}prices\\.${family.replace("*", "\\*")} is not a known model family: use one of claude-fable-5-2, `,
    ),
  );
  expect(line).toContain(
    "A family that is not in this list needs a name that starts with claude-, and all of input, output, cacheRead, cacheWrite5m, cacheWrite1h",
  );
});

test("an unknown key of a family is refused", () => {
  expect(refusal({ prices: { "claude-opus-5": { cachedRead: 1 } } })).toEqual([
    "  prices.claude-opus-5.cachedRead = 1 is not a key of this configuration; remove it: pulumi config rm --path 'prices.claude-opus-5.cachedRead'",
  ]);
});

test.each([
  [{ path: "litellm" }, {}, "litellm"],
  [{ path: "envoy", mode: "sni" }, { holder: "agent" }, "envoy in mode sni"],
])("prices are refused where no answer is metered: %j", (chosen, holder, path) => {
  const credential = { kind: "apiKey", value: KEY, ...holder };
  expect(
    refusal({ gateway: chosen, credential, prices: { "claude-opus-5": { input: 4 } } }),
  ).toEqual([
    `  prices has no effect on path ${path}, where no answer is metered: remove it with pulumi config rm prices, or choose a metered path (shim, envoy in mode terminate, hybrid)`,
  ]);
  expect(parse({ gateway: chosen, credential, prices: {} })).toMatchObject({ prices: {} });
});
