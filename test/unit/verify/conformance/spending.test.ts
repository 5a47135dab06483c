import { describe, expect, test } from "vitest";
import { listPrices } from "../../../../components/usage/prices/table.ts";
import type {
  Check,
  CheckContext,
  Client,
  Spend,
} from "../../../verify/conformance/checks/check.ts";
import { kept } from "../../../verify/conformance/checks/check.ts";
import { checks } from "../../../verify/conformance/checks/index.ts";
import { conversation, messagesRequest } from "../../../verify/conformance/checks/relay.ts";
import type { RawRequest } from "../../../verify/conformance/client/raw-client.ts";
import { measure, spendingOf } from "../../../verify/conformance/measure.ts";
import { recommend } from "../../../verify/conformance/report/recommendation.ts";
import { openQuestions } from "../../../verify/conformance/report/open-questions.ts";
import {
  cents,
  FREE,
  limitedTo,
  mostUsd,
  planSpending,
  PREFLIGHT,
} from "../../../verify/conformance/spending.ts";

const TEN_CENTS: Spend = { requests: 1, bytes: 49_000, outputTokens: 0 };
const SMALL: Spend = { requests: 1, bytes: 100, outputTokens: 20 };

function check(id: Check["id"], spends?: Spend): Check {
  const run = () => Promise.resolve(kept("seen"));
  return { id, title: "t", protects: "p", needs: [], run, ...(spends && { spends }) };
}

const sent: RawRequest[] = [];
const client: Client = {
  baseUrl: "http://x",
  open: (request) => {
    sent.push(request);
    throw new Error("opened");
  },
  send: (request) => {
    sent.push(request);
    return Promise.resolve({ head: undefined, body: Buffer.alloc(0), ended: "end" });
  },
};
const context: CheckContext = { client, patienceMs: 0, long: false };

test("a request costs at most its bytes as tokens of the dearest input, and max_tokens of output", () => {
  const { cacheWrite1h, output } = listPrices["claude-haiku-4-5"] ?? { cacheWrite1h: 0, output: 0 };
  expect(mostUsd({ requests: 3, bytes: 9_000, outputTokens: 100 })).toBeCloseTo(
    (3 * (10_000 * cacheWrite1h + 100 * output)) / 1e6,
    12,
  );
  expect([0.1, 0.10001, 0.000001].map(cents)).toEqual(["10.00 cents", "10.01 cents", "0.01 cents"]);
});

describe("a plan", () => {
  const three = [
    check("caching.a", TEN_CENTS),
    check("caching.free"),
    check("caching.b", TEN_CENTS),
    check("caching.c", SMALL),
  ];
  const together = mostUsd(PREFLIGHT) + mostUsd(TEN_CENTS);

  test("without a budget runs everything", () => {
    const plan = planSpending(three);
    expect([...plan.runs.keys()]).toEqual(["caching.a", "caching.b", "caching.c"]);
    expect(plan.notRun.size).toBe(0);
    expect(plan.mostUsd).toBeCloseTo(together + mostUsd(TEN_CENTS) + mostUsd(SMALL), 12);
  });

  test("stops before the first check that could exceed the budget", () => {
    const plan = planSpending(three, together + mostUsd(SMALL));
    expect([...plan.runs.keys()]).toEqual(["caching.a"]);
    expect([...plan.notRun.keys()]).toEqual(["caching.b", "caching.c"]);
    expect(plan.mostUsd).toBeCloseTo(together, 12);
  });

  test("counts what several checks share once", () => {
    const shared = { ...TEN_CENTS, shared: "session" };
    const plan = planSpending([check("caching.a", shared), check("caching.b", shared)], together);
    expect([...plan.runs]).toEqual([
      ["caching.a", mostUsd(shared)],
      ["caching.b", 0],
    ]);
  });
});

describe("a check that says what it spends", () => {
  const spends = { requests: 1, bytes: 300, outputTokens: 256 };
  const message = messagesRequest({ body: conversation("m") });

  test("may send that and requests that cost nothing, and nothing more", async () => {
    const limited = limitedTo({ id: "caching.a", spends }, context).client;
    sent.length = 0;
    await limited.send(messagesRequest({ body: conversation("m", { max_tokens: undefined }) }));
    await limited.send(messagesRequest({ body: conversation("m"), path: "/v1/files" }));
    await limited.send(message);
    await expect(limited.send(message)).rejects.toThrow("caching.a would cost more than it says");
    expect(() => limited.open(message)).toThrow("would cost more");
    expect(sent).toHaveLength(3);
  });

  test.each([
    ["a longer request", { text: "x".repeat(300) }],
    ["a longer answer", { max_tokens: 257 }],
  ])("may not send %s", async (_, more) => {
    const limited = limitedTo({ id: "caching.a", spends }, context).client;
    const request = messagesRequest({ body: conversation("m", more) });
    await expect(limited.send(request)).rejects.toThrow("would cost more");
  });

  test("is every check that sends messages without the fake API", async () => {
    const silent = checks.filter(({ needs, spends }) => needs.length === 0 && spends === undefined);
    for (const one of silent) await one.run(limitedTo(one, context));
    expect(silent.length).toBeGreaterThan(5);
  });
});

describe("a measurement with a budget", () => {
  const paid = [check("caching.a", TEN_CENTS), check("caching.b", TEN_CENTS)];
  const subject = {
    ...{ stack: "s", path: "external" as const, versions: {}, baseUrl: "http://x", context },
    close: () => undefined,
  };

  test("reports what was not run as open, so that the path is not recommended", async () => {
    const plan = spendingOf(subject, 0.11, paid);
    const report = await measure(subject, undefined, paid, plan);
    expect(report.checks.map(({ status, unmet }) => [status, unmet])).toEqual([
      ["pass", undefined],
      ["skipped", ["budget"]],
    ]);
    expect(recommend([report])).toMatchObject({ path: undefined });
    expect(openQuestions(report)).toEqual([
      "Not known: 1 check not run, because of --budget. Run the command again with a higher --budget.",
    ]);
    const whole = await measure(subject, undefined, paid, spendingOf(subject, 0.5, paid));
    expect(recommend([whole])).toMatchObject({ path: "external" });
  });

  test("costs nothing in the lab", () => {
    expect(spendingOf({ ...subject, free: true }, 0.0001, paid)).toBe(FREE);
  });

  test("plans only checks that are run", () => {
    const needy = { ...check("caching.c", TEN_CENTS), needs: ["claude"] as const };
    expect([...spendingOf(subject, undefined, [needy]).runs]).toEqual([]);
  });
});
