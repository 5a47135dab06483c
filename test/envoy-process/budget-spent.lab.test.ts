import { afterEach, describe, expect, test } from "vitest";
import type { BudgetLimits } from "../../components/usage/budget/limits.ts";
import {
  Budgeted,
  DAY_SECONDS,
  error,
  headerNames,
  ofDevE,
  ONE_CENT,
  renewal,
} from "./budgeted.ts";
import { TOKEN_A, TOKEN_B } from "./gateways.ts";

let gateway: Budgeted;
afterEach(() => gateway.stop());

const cases: {
  what: string;
  limits: BudgetLimits;
  whose: string;
  days: number;
  others: number;
  counts: Record<string, number>;
}[] = [
  {
    what: "an agent's budget of a day",
    limits: ofDevE({ usdPerDay: 0.01 }),
    whose: "agent dev-e, 0.01 USD a day",
    days: 1,
    others: 200,
    counts: { "day dev-e": ONE_CENT },
  },
  {
    what: "an agent's budget of 30 days",
    limits: ofDevE({ usdPerDay: 5, usdPer30Days: 0.01 }),
    whose: "agent dev-e, 0.01 USD in 30 days",
    days: 30,
    others: 200,
    counts: { "30days dev-e": ONE_CENT, "day dev-e": ONE_CENT },
  },
  {
    what: "the day's budget of all agents",
    limits: { all: { usdPerDay: 0.01 }, agents: { "dev-e": { usdPerDay: 7 } } },
    whose: "all agents together, 0.01 USD a day",
    days: 1,
    others: 429,
    counts: { "day all": ONE_CENT, "day dev-e": ONE_CENT },
  },
  {
    what: "the 30 days' budget of all agents",
    limits: { all: { usdPerDay: 1000, usdPer30Days: 0.01 }, agents: {} },
    whose: "all agents together, 0.01 USD in 30 days",
    days: 30,
    others: 429,
    counts: { "30days all": ONE_CENT, "day all": ONE_CENT },
  },
  {
    what: "an agent's and the common budget, of the same amount",
    limits: { all: { usdPerDay: 0.01 }, agents: { "dev-e": { usdPerDay: 0.01 } } },
    whose: "all agents together, 0.01 USD a day",
    days: 1,
    others: 429,
    counts: { "day all": ONE_CENT, "day dev-e": ONE_CENT },
  },
  {
    what: "the agent's budgets of both windows",
    limits: ofDevE({ usdPerDay: 0.00125, usdPer30Days: 0.01 }),
    whose: "agent dev-e, 0.01 USD in 30 days",
    days: 30,
    others: 200,
    counts: { "30days dev-e": ONE_CENT, "day dev-e": ONE_CENT },
  },
];

describe.each(cases)("$what", ({ limits, whose, days, others, counts }) => {
  test("is spent: the request is refused, with a message that says why", async () => {
    gateway = await Budgeted.start(limits);
    expect((await gateway.ask(TOKEN_A, ONE_CENT)).status).toBe(200);
    await gateway.counted(counts);
    gateway.upstream.received.length = 0;

    const refused = await gateway.ask(TOKEN_A, ONE_CENT);
    expect([refused.status, refused.body.toString()]).toEqual([
      429,
      error(
        "rate_limit_error",
        `the budget of ${whose}, is spent. It is renewed at ${renewal(days)}.`,
      ),
    ]);
    expect(refused.headers).toMatchObject({
      "x-should-retry": "false",
      "content-type": "application/json",
      "content-length": String(refused.body.length),
    });
    const seconds = Number(refused.headers["retry-after"]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(days * DAY_SECONDS);
    expect(headerNames(refused).sort()).toEqual([
      "connection",
      "content-length",
      "content-type",
      "date",
      "retry-after",
      "x-should-retry",
    ]);
    expect(gateway.upstream.received).toEqual([]);
    expect(await gateway.envoy.logged(({ status }) => status === 429)).toMatchObject({
      agent: "dev-e",
      flags: "RL",
    });

    expect((await gateway.ask(TOKEN_B, 0)).status).toBe(others);
    expect(await gateway.counts()).toEqual(counts);
  });
});
