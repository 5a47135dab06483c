import {
  dearestFamily,
  highestFastFactor,
  type Price,
  type PriceTable,
  WEB_SEARCH_USD,
} from "./table.ts";

/** The prices in the form in which the meter's script looks them up: see meter/filter.lua and meter/cost.lua. */
export function priceMetadata(table: PriceTable): Record<string, unknown> {
  const families = Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...Object.fromEntries(families.map(([family, price]) => [family, fields(price)])),
    dearest: dearestFamily(table),
    fast_factor: highestFastFactor(table),
    // In micro-dollars, like the prices for a token.
    web_search: WEB_SEARCH_USD * 1_000_000,
  };
}

function fields(price: Price): Record<string, number> {
  return {
    input: price.input,
    output: price.output,
    cache_read: price.cacheRead,
    cache_write_5m: price.cacheWrite5m,
    cache_write_1h: price.cacheWrite1h,
    ...(price.fastFactor !== undefined && { fast_factor: price.fastFactor }),
    ...(price.longPrompt !== undefined && {
      long_prompt_tokens: price.longPrompt.tokens,
      long_prompt_factor: price.longPrompt.factor,
    }),
  };
}
