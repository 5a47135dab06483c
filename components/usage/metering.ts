/**
 * Namespace of the dynamic metadata that the meter writes in Envoy. Access logs and the rate-limit filter read it.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/well_known_dynamic_metadata
 */
export const METER = "meter";

/** Keys of the meter's metadata. */
export const meterKeys = {
  /** The model that answered, as the API names it. */
  model: "model",
  /** Tokens of the prompt that no cache was used for. */
  input: "input",
  output: "output",
  cacheRead: "cache_read",
  /** Tokens written to the cache for 5 minutes. */
  cacheWrite5m: "cache_write_5m",
  /** Tokens written to the cache for 1 hour. */
  cacheWrite1h: "cache_write_1h",
  /** Cost in US dollars. */
  costUsd: "cost_usd",
  /** Cost in units of {@link CHARGE_UNIT_USD}, a whole number: what a budget is charged. */
  charge: "charge",
  /** One of {@link MeteringResult}. */
  result: "result",
  /** Whether the tokens were estimated, because the answer did not end. */
  estimated: "estimated",
} as const;

/**
 * `metered`: tokens and cost are known or estimated. `free`: an error, or a route that costs nothing. `unmetered`: the answer
 * could not be read, so its cost is unknown.
 */
export type MeteringResult = "metered" | "free" | "unmetered";

/**
 * The unit in which budgets are counted: 10 micro-dollars. The rate-limit service counts in 32 bits, so a limit can be
 * 42,949 USD at most.
 */
export const CHARGE_UNIT_USD = 0.00001;
