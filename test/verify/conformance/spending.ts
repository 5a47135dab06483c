import { listPrices, type Price } from "../../../components/usage/prices/table.ts";
import type { Check, CheckContext, Client, Spend } from "./checks/check.ts";
import { MODEL } from "./checks/relay.ts";
import type { RawRequest } from "./client/raw-client.ts";

/** Tokens that the API itself may add to a prompt, for example for tools. */
const ADDED_TOKENS = 1_000;

/** The one message that is sent before the checks, to see whether the gateway can be measured. */
export const PREFLIGHT: Spend = { requests: 1, bytes: 1_000, outputTokens: 256 };

/**
 * What something can cost at most, in US dollars, if every request is answered once and used to the full: a byte of a
 * request is at most one token, and each is priced as the dearest kind of input.
 */
export function mostUsd({ requests, bytes, outputTokens }: Spend): number {
  const { input, output, cacheWrite1h } = priceOf(MODEL);
  const tokens = bytes + ADDED_TOKENS;
  const each = tokens * Math.max(input, cacheWrite1h) + outputTokens * output;
  return (requests * each) / 1_000_000;
}

function priceOf(model: string): Price {
  const family = Object.keys(listPrices).find((name) => model.startsWith(name));
  const price = family === undefined ? undefined : listPrices[family];
  if (price === undefined) throw new Error(`${model} has no price in components/usage/prices`);
  return price;
}

/** An amount in cents, rounded up. */
export function cents(usd: number): string {
  return `${(Math.ceil(usd * 10_000 - 1e-6) / 100).toFixed(2)} cents`;
}

/** Which checks of a measurement cost money, and which the budget does not cover. */
export interface SpendingPlan {
  /** What each check that is run adds at most, in US dollars, in order. */
  readonly runs: ReadonlyMap<Check["id"], number>;
  /** Why a check is not run. */
  readonly notRun: ReadonlyMap<Check["id"], string>;
  /** What the first message and all checks that are run cost at most together, in US dollars. */
  readonly mostUsd: number;
}

/** What is planned where nothing costs money. */
export const FREE: SpendingPlan = { runs: new Map(), notRun: new Map(), mostUsd: 0 };

/**
 * Plans the checks in order. The first check with which the budget could be exceeded and all later ones that cost money
 * are not run. Without a budget all are run.
 */
export function planSpending(checks: readonly Check[], budgetUsd = Infinity): SpendingPlan {
  const runs = new Map<Check["id"], number>();
  const notRun = new Map<Check["id"], string>();
  const counted = new Set<string>();
  let spent = mostUsd(PREFLIGHT);
  for (const { id, spends } of checks) {
    if (spends === undefined) continue;
    const shared = spends.shared !== undefined && counted.has(spends.shared);
    const most = shared ? 0 : mostUsd(spends);
    if (notRun.size > 0 || spent + most > budgetUsd) {
      notRun.set(
        id,
        `not run, because of --budget: it can cost at most ${cents(mostUsd(spends))}, and ` +
          `${cents(spent)} of ${cents(budgetUsd)} are planned for what runs before it`,
      );
      continue;
    }
    if (spends.shared !== undefined) counted.add(spends.shared);
    runs.set(id, most);
    spent += most;
  }
  return { runs, notRun, mostUsd: spent };
}

/** What a plan says before anything runs: a line for each check that costs money, and the sum. */
export function renderPlan({ runs, notRun, mostUsd: sum }: SpendingPlan): string[] {
  return [
    ...[...runs].map(([id, usd]) => `${id} costs at most ${cents(usd)}`),
    ...[...notRun].map(([id, why]) => `${id}: ${why}`),
    `The first message costs at most ${cents(mostUsd(PREFLIGHT))}. Together at most ${cents(sum)}, at list prices, if the gateway sends no request twice`,
  ];
}

/** Refuses a request of a check that would cost more than the check says in `spends`. */
export function limitedTo(
  check: Pick<Check, "id" | "spends">,
  context: CheckContext,
): CheckContext {
  const { client } = context;
  let { requests } = check.spends ?? { requests: 0 };
  const admit = (request: RawRequest) => {
    const sent = messageOf(request);
    if (sent === undefined) return;
    const { bytes, outputTokens } = check.spends ?? { bytes: 0, outputTokens: 0 };
    requests -= 1;
    if (requests < 0 || sent.bytes > bytes || sent.maxTokens > outputTokens) {
      throw new Error(
        `${check.id} would cost more than it says: a request of ${sent.bytes} bytes with max_tokens ${sent.maxTokens}`,
      );
    }
  };
  const limited: Client = {
    baseUrl: client.baseUrl,
    open(request, timeoutMs) {
      admit(request);
      return client.open(request, timeoutMs);
    },
    async send(request, timeoutMs) {
      admit(request);
      return client.send(request, timeoutMs);
    },
  };
  return { ...context, client: limited };
}

/** The size of a request that a model may answer. The API refuses a message without `max_tokens`, for nothing. */
function messageOf({ method, path, body }: RawRequest) {
  if (method !== "POST" || !/^\/v1\/messages(\?|$)/.test(path)) return undefined;
  const text = body.map((piece) => ("text" in piece ? piece.text : "")).join("");
  const maxTokens = Number(/"max_tokens":(\d+)/.exec(text)?.[1] ?? 0);
  const known = text.includes(JSON.stringify(MODEL));
  return maxTokens > 0 && known ? { bytes: Buffer.byteLength(text), maxTokens } : undefined;
}
