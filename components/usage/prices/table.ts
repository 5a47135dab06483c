/** Prices of a model family, in US dollars per million tokens. */
export interface Price {
  /** Tokens of the prompt that no cache was used for. */
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Tokens written to the cache for 5 minutes. */
  readonly cacheWrite5m: number;
  /** Tokens written to the cache for 1 hour. */
  readonly cacheWrite1h: number;
  /** Multiple of every price in fast mode (`speed: "fast"`). Default: no fast mode. */
  readonly fastFactor?: number;
  /** Multiple of every price if the prompt, with what is read from and written to the cache, has more than `tokens`. */
  readonly longPrompt?: { readonly tokens: number; readonly factor: number };
}

/** Prices by family: what a model's id begins with, before a date or a provider's suffix. */
export type PriceTable = Readonly<Record<string, Price>>;

/** Where the prices are from, and when they were read. */
export const PRICES_SOURCE = {
  date: "2026-11-25",
  url: "https://platform.claude.com/docs/en/about-claude/pricing",
} as const;

/** Price of one web search: 10 US dollars for 1,000. */
export const WEB_SEARCH_USD = 0.01;

function price(
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  more: Pick<Price, "fastFactor" | "longPrompt"> = {},
): Price {
  return { input, output, cacheRead, cacheWrite5m, cacheWrite1h, ...more };
}

// The price of cache reads could not be confirmed: a tenth of the input's price, the usual factor, is the highest that it can be.
const FABLE_5_2 = price(8, 40, 0.8, 10, 16, { fastFactor: 2 });
const FABLE_5_1 = price(10, 50, 0.25, 12.5, 20);
const FABLE_5 = price(10, 50, 1, 12.5, 20);
const OPUS_4 = price(15, 75, 1.5, 18.75, 30);
const OPUS_4_5 = price(5, 25, 0.5, 6.25, 10);
const SONNET = price(3, 15, 0.3, 3.75, 6);

/**
 * The list prices of {@link PRICES_SOURCE}, as a stored copy of the page and notes of projects that follow it give them.
 * Fast mode of Opus 4.6 and 4.7, which was removed, has the factor of its first announcement.
 */
export const listPrices: PriceTable = {
  "claude-fable-5-2": FABLE_5_2,
  "claude-mythos-5-2": FABLE_5_2,
  "claude-fable-5-1": FABLE_5_1,
  "claude-mythos-5-1": FABLE_5_1,
  "claude-fable-5": FABLE_5,
  "claude-mythos-5": FABLE_5,
  "claude-opus-5-5": price(4, 20, 0.2, 5, 8, { fastFactor: 2 }),
  "claude-opus-5": { ...OPUS_4_5, fastFactor: 2 },
  "claude-opus-4-8": { ...OPUS_4_5, fastFactor: 2 },
  "claude-opus-4-7": { ...OPUS_4_5, fastFactor: 6 },
  "claude-opus-4-6": { ...OPUS_4_5, fastFactor: 6 },
  "claude-opus-4-5": OPUS_4_5,
  "claude-opus-4-1": OPUS_4,
  "claude-opus-4-0": OPUS_4,
  "claude-opus-4": OPUS_4,
  "claude-3-opus": OPUS_4,
  "claude-sonnet-5-5": price(2, 10, 0.1, 2.5, 4),
  "claude-sonnet-5": price(2, 10, 0.2, 2.5, 4),
  "claude-sonnet-4-6": SONNET,
  "claude-sonnet-4-5": SONNET,
  "claude-sonnet-4-0": SONNET,
  "claude-sonnet-4": SONNET,
  "claude-3-7-sonnet": SONNET,
  "claude-3-5-sonnet": SONNET,
  "claude-3-sonnet": SONNET,
  "claude-haiku-5-5": price(0.1, 0.5, 0.01, 0.125, 0.2, {
    longPrompt: { tokens: 100_000, factor: 5 },
  }),
  "claude-haiku-4-5": price(1, 5, 0.1, 1.25, 2),
  "claude-3-5-haiku": price(0.8, 4, 0.08, 1, 1.6),
  "claude-3-haiku": price(0.25, 1.25, 0.03, 0.3, 0.5),
};

/** The five prices of a family that a team can set. */
export const priceKeys = ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"] as const;

/** A team's own prices by family. A family of {@link listPrices} keeps the prices that are not set. */
export type OwnPrices = Readonly<
  Record<string, { readonly [Key in (typeof priceKeys)[number]]?: number | undefined }>
>;

/** The list prices, with a team's own instead where it has any. */
export function priceTable(own: OwnPrices = {}): PriceTable {
  const families = Object.entries(own).map(([family, prices]) => {
    const set = Object.fromEntries(
      Object.entries(prices).filter(([, value]) => value !== undefined),
    );
    const listed = Object.hasOwn(listPrices, family) ? listPrices[family] : {};
    return [family, { ...listed, ...set } as Price] as const;
  });
  return { ...listPrices, ...Object.fromEntries(families) };
}

/** The family with the highest price of output: what a model without a price costs. */
export function dearestFamily(table: PriceTable): string {
  const [dearest] = Object.entries(table).sort(
    ([, a], [, b]) => b.output - a.output || b.input - a.input,
  );
  if (dearest === undefined) throw new Error("the table of prices is empty: add a family");
  return dearest[0];
}

/** The highest multiple of fast mode: what a model without a price has. */
export function highestFastFactor(table: PriceTable): number {
  return Math.max(1, ...Object.values(table).map(({ fastFactor = 1 }) => fastFactor));
}
