import { describe, expect, test } from "vitest";
import { slices } from "../../../../commands/usage/chart.ts";
import { renderHtml } from "../../../../commands/usage/html.ts";
import {
  dollars,
  totalCost,
  type UsageDay,
  type UsageReport,
} from "../../../../commands/usage/report.ts";
import { renderTerminal } from "../../../../commands/usage/terminal.ts";

const TODAY = new Date("2026-11-25T14:20:00.000Z");

function day(fields: Partial<UsageDay> = {}): UsageDay {
  return {
    date: "2026-11-25",
    agent: "dev-e",
    model: "claude-haiku-4-5",
    requests: 1200,
    refused: 0,
    tokens: { input: 10_000, output: 500, cacheRead: 30, cacheWrite5m: 2, cacheWrite1h: 1 },
    cost: 1.5,
    estimated: 0,
    ...fields,
  };
}

const none = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

const report: UsageReport = {
  stack: "team",
  currency: "USD",
  days: [
    day({ date: "2026-11-24", cost: 0.1, estimated: 1 }),
    day({ unmetered: 2, cost: 0.2 }),
    day({ agent: "dev-f", model: "unknown", requests: 3, refused: 3, tokens: none, cost: 0 }),
  ],
  budgets: [
    { agent: "all", window: "30days", limit: 2, spent: 0.3 },
    { agent: "dev-e", window: "day", limit: 0.2, spent: 0.20001 },
  ],
};

const empty: UsageReport = { stack: "team", currency: "USD", days: [], budgets: [] };

describe("the table on the terminal", () => {
  test("has a row for each day, agent and model, their sum, and the budgets", () => {
    expect(renderTerminal(report, ["Something is missing."])).toBe(`
What the agents of team spent

day (UTC)   agent  model                cost  requests  refused   input  output  cache read  written 5m  written 1h
2026-11-24  dev-e  claude-haiku-4-5  $0.1000     1,200        0  10,000     500          30           2           1
2026-11-25  dev-e  claude-haiku-4-5  $0.2000     1,200        0  10,000     500          30           2           1
2026-11-25  dev-f  unknown           $0.0000         3        3       0       0           0           0           0
total                                $0.3000     2,403        3  20,000   1,000          60           4           2
  The tokens of 1 request are estimated, because the answer did not end.
  The cost of 2 requests is unknown, because the answer could not be read.

budget      window     limit    spent     left
all agents  30 days  $2.0000  $0.3000  $1.7000
dev-e       day      $0.2000  $0.2000  $0.0000

Warning: Something is missing.

`);
  });

  test("says that there is nothing to show", () => {
    expect(renderTerminal(empty, [])).toBe(`
What the agents of team spent

Nothing was recorded in the last 90 days.

No budgets.

`);
  });
});

test("money of many rows is added up exactly", () => {
  expect(totalCost([day({ cost: 0.1 }), day({ cost: 0.2 })])).toBe(0.3);
  expect([0, 0.05, 0.0498, 0.00004, 3.0021, 1234.5].map(dollars)).toEqual([
    ...["$0.00", "$0.05", "$0.0498", "$0.00", "$3.00", "$1,234.50"],
  ]);
});

describe("the page", () => {
  const page = renderHtml(report, [], TODAY);

  test("is self-contained", () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|src=|href=|https?:/);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">\n/);
    expect(page.match(/<title>What the agents of team spend<\/title>/g)).toHaveLength(1);
  });

  test("draws a bar for each agent and day that cost something, in two sizes, with a name for each", () => {
    const bars = page.match(/<rect [^>]*class="a\d"><title>[^<]*<\/title>/g) ?? [];
    expect(bars.map((bar) => bar.replace(/.*<title>(.*)<\/title>/, "$1"))).toEqual(
      Array.from({ length: 2 }, () => [
        "2026-11-24, dev-e: $0.10",
        "2026-11-25, dev-e: $0.20",
      ]).flat(),
    );
    expect(page.match(/role="img" aria-label="Cost per day/g)).toHaveLength(2);
  });

  test("has every figure in a table too, the newest day first", () => {
    const rows = [...page.matchAll(/<tr><th scope="row">(.*?)<\/tr>/g)].map(([, row = ""]) =>
      row
        .replace(/<[^>]*>/g, " ")
        .replace(/ +/g, " ")
        .trim(),
    );
    expect(rows).toEqual([
      "2026-11-25 dev-f unknown $0.0000 3 3 0 0 0 0 0",
      "2026-11-25 dev-e claude-haiku-4-5 $0.2000 1,200 0 10,000 500 30 2 1",
      "2026-11-24 dev-e claude-haiku-4-5 $0.1000 1,200 0 10,000 500 30 2 1",
    ]);
  });

  test("shows how much of each budget is spent", () => {
    expect([...page.matchAll(/<li class="(\w+)">\n/g)].map(([, state]) => state)).toEqual([
      "open",
      "spent",
    ]);
    expect(page).toContain('aria-label="15 percent spent"');
    expect(page).toContain("$1.70 left");
    expect(page).toContain("used up");
  });

  test("escapes every text from outside", () => {
    const bad = '<b>"&';
    const days = [day({ agent: bad, model: bad })];
    const budgets = [{ agent: bad, window: "day", limit: 1, spent: 0 }] as const;
    const text = renderHtml({ ...report, stack: bad, days, budgets }, [bad], TODAY);
    expect(text).not.toContain(bad);
    expect(text).not.toContain('<b>"');
    expect(text.split("&lt;b&gt;&quot;&amp;").length - 1).toBe(9);
  });

  test("says that there is nothing to show", () => {
    const text = renderHtml(empty, [], TODAY);
    expect(text).toContain("Nothing was recorded in the last 90 days.");
    expect(text).not.toContain("<table");
    expect(text).not.toContain("Budgets");
  });
});

test("the agents that cost the most have their own color, and the rest share one", () => {
  const days = Array.from({ length: 10 }, (_, index) =>
    day({ agent: `agent-${index}`, cost: index + 1 }),
  );
  const drawn = slices(days);
  expect(drawn.map(({ name }) => name)).toEqual([
    ...["agent-9", "agent-8", "agent-7", "agent-6", "agent-5", "agent-4", "agent-3"],
    "3 other agents",
  ]);
  expect(drawn.at(-1)?.color).toBe("rest");
  expect(totalCost(drawn.flatMap(({ days }) => days))).toBe(55);
});
