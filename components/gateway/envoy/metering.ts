import { meterSource } from "../../usage/meter/meter.ts";
import { METER, type meterKeys } from "../../usage/metering.ts";
import { priceMetadata } from "../../usage/prices/metadata.ts";
import { listPrices, type PriceTable } from "../../usage/prices/table.ts";
import { lua } from "./headers.ts";
import { withRoutes } from "./in-routes.ts";
import type { Message } from "./proto.ts";

/** Name of the filter that counts tokens, of its prices in the virtual host's metadata, and of its statistics. */
const FILTER = "meter";

/**
 * Counts the tokens of answers to requests on these paths, see {@link Upstream.messagePaths}. It must see an answer as the
 * client gets it, and a request before the rate-limit filter.
 */
export function meter(messagePaths: readonly string[]): Message {
  return lua(FILTER, withRoutes(meterSource(messagePaths)), { statPrefix: FILTER });
}

/** Metadata of the virtual host: the prices by model family. Envoy applies a change of it without a drain. */
export function pricesInRoutes(prices: PriceTable = listPrices): Message {
  return { [FILTER]: priceMetadata(prices) };
}

/** A value of the meter's metadata, as access logs and other formats name it. */
export function meterFormat(key: (typeof meterKeys)[keyof typeof meterKeys]): string {
  return `%DYNAMIC_METADATA(${METER}:${key})%`;
}
