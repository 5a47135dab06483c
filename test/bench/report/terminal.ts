import { hostsTables } from "./hosts.ts";
import { floodTable } from "./flood.ts";
import type { Report } from "./report.ts";
import { programTables, relayTables, type Table } from "./tables.ts";

/** The report for a terminal. */
export function renderTerminal(report: Report): string {
  const tables = [
    ...(report.relay === undefined ? [] : relayTables(report.relay)),
    ...(report.program === undefined ? [] : programTables(report.program)),
    ...(report.hosts === undefined ? [] : hostsTables(report.hosts)),
    ...(report.flood === undefined ? [] : [floodTable(report.flood)]),
  ];
  return `${[...circumstances(report), ...tables.flatMap(lines), ...targets(report)].join("\n")}\n`;
}

/** Machine, versions and date, one per line. */
export function circumstances(report: Report): string[] {
  const { machine, versions, relay = report.flood } = report;
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${report.date}, ${report.minutes.toFixed(1)} min`,
    `${machine.cores} × ${machine.cpu}, ${machine.memoryGb} GB, ${machine.system}; load average at the start ${machine.loadAtStart.toFixed(2)}`,
    named.join(", "),
    ...(relay === undefined ? [] : [`${relay.rounds} interleaved rounds; ${relay.pinning}`]),
  ];
}

function lines({ title, note, head, rows }: Table): string[] {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => (cells[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return ["", title, ...(note === undefined ? [] : [`  ${note}`]), line(head), ...rows.map(line)];
}

function targets({ targets }: Report): string[] {
  if (targets.length === 0) return [];
  return [
    "",
    "Targets",
    ...targets.flatMap(({ met, title, limit, measured, bound }) => [
      `${met ? "✓" : "✗"} ${title}: ${measured}, target ${limit}`,
      ...(bound === undefined ? [] : [`    bound: ${bound}`]),
    ]),
  ];
}
