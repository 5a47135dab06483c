import { z } from "zod";
import { listPrices, priceKeys } from "./table.ts";

/** More than any model costs. A price above it is probably per token or in cents. */
const MAX_USD_PER_MILLION = 1000;

const NOT_A_PRICE = "is not a price: write US dollars per million tokens, for example 4 or 0.25";

/** US dollars per million tokens. `pulumi config set --path` stores some numbers as text. */
const UsdPerMillion = z
  .union([z.number(), z.string()], { error: NOT_A_PRICE })
  .transform((value, context) => {
    const usd = typeof value === "number" || /^\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
    if (usd >= 0 && usd <= MAX_USD_PER_MILLION) return usd;
    context.addIssue({
      code: "custom",
      message:
        usd > MAX_USD_PER_MILLION
          ? `is more than ${MAX_USD_PER_MILLION}: write US dollars per million tokens, for example 4 or 0.25`
          : NOT_A_PRICE,
    });
    return z.NEVER;
  });

const FamilyPrices = z.strictObject({
  input: UsdPerMillion.optional().describe("Tokens of the prompt that no cache was used for."),
  output: UsdPerMillion.optional().describe("Tokens of the answer."),
  cacheRead: UsdPerMillion.optional().describe("Tokens read from the cache."),
  cacheWrite5m: UsdPerMillion.optional().describe("Tokens written to the cache for 5 minutes."),
  cacheWrite1h: UsdPerMillion.optional().describe("Tokens written to the cache for 1 hour."),
});

/** `prices`: a team's own prices by model family. */
export const PricesConfig = z
  .record(z.string(), FamilyPrices)
  .superRefine((prices, context) => {
    for (const [family, price] of Object.entries(prices)) {
      const message = familyProblem(family, price);
      if (message !== undefined) context.addIssue({ code: "custom", path: [family], message });
    }
  })
  .default({})
  .describe(
    "Prices of model families in US dollars per million tokens, instead of the list prices. Default: the list prices.",
  );

/** A family that the list lacks needs a name that models can have, and every price. */
function familyProblem(family: string, price: Readonly<Record<string, unknown>>) {
  if (Object.hasOwn(listPrices, family)) return undefined;
  const missing = priceKeys.filter((key) => price[key] === undefined);
  if (/^claude-[a-z0-9]+(-[a-z0-9]+)*$/.test(family) && missing.length === 0) return undefined;
  return (
    `is not a known model family: use one of ${Object.keys(listPrices).join(", ")}. ` +
    `A family that is not in this list needs a name that starts with claude-, and all of ${priceKeys.join(", ")}`
  );
}
