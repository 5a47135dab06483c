import {
  budgetOwner,
  count,
  dollarCell,
  left,
  total,
  totalCost,
  type UsageDay,
  type UsageReport,
  windowName,
} from "./report.ts";

const HEAD = [
  ...["day (UTC)", "agent", "model", "cost", "requests", "refused"],
  ...["input", "output", "cache read", "written 5m", "written 1h"],
];
/** How many columns are texts; the others are numbers, at the right. */
const TEXTS = 3;

const BUDGET_HEAD = ["budget", "window", "limit", "spent", "left"];

/** The report as tables for a terminal. */
export function renderTerminal(
  { stack, days, budgets }: UsageReport,
  warnings: readonly string[],
): string {
  const rows = days.map(cells);
  const lines = [
    "",
    `What the agents of ${stack} spent`,
    "",
    ...(days.length === 0
      ? ["Nothing was recorded in the last 90 days."]
      : table([HEAD, ...rows, sums(days)], TEXTS)),
    ...notes(days).map((note) => `  ${note}`),
    "",
    ...(budgets.length === 0
      ? ["No budgets."]
      : table(
          [
            BUDGET_HEAD,
            ...budgets.map((budget) => [
              ...[budgetOwner(budget.agent), windowName(budget.window), dollarCell(budget.limit)],
              ...[dollarCell(budget.spent), dollarCell(left(budget))],
            ]),
          ],
          2,
        )),
    ...warnings.map((warning) => `\nWarning: ${warning}`),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function cells(day: UsageDay): string[] {
  return [day.date, day.agent, day.model, ...numbers([day])];
}

function sums(days: readonly UsageDay[]): string[] {
  return ["total", "", "", ...numbers(days)];
}

function numbers(days: readonly UsageDay[]): string[] {
  const of = (value: (day: UsageDay) => number) => count(total(days, value));
  return [
    ...[dollarCell(totalCost(days)), of(({ requests }) => requests), of(({ refused }) => refused)],
    ...[of(({ tokens }) => tokens.input), of(({ tokens }) => tokens.output)],
    ...[of(({ tokens }) => tokens.cacheRead), of(({ tokens }) => tokens.cacheWrite5m)],
    of(({ tokens }) => tokens.cacheWrite1h),
  ];
}

/** What a reader must know of the figures. */
export function notes(days: readonly UsageDay[]): string[] {
  const estimated = total(days, ({ estimated }) => estimated);
  const unmetered = total(days, ({ unmetered = 0 }) => unmetered);
  return [
    ...(estimated === 0
      ? []
      : [`The tokens of ${requests(estimated)} are estimated, because the answer did not end.`]),
    ...(unmetered === 0
      ? []
      : [`The cost of ${requests(unmetered)} is unknown, because the answer could not be read.`]),
  ];
}

function requests(number: number): string {
  return `${count(number)} request${number === 1 ? "" : "s"}`;
}

function table(rows: readonly (readonly string[])[], texts: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < texts ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
