import type { StatusReport } from "./report.ts";

/** The report as one screen. */
export function renderTerminal({ stack, at, rows }: StatusReport): string {
  const width = Math.max(...rows.map(({ title }) => title.length));
  const line = ({ title, text, todo }: StatusReport["rows"][number]) =>
    `  ${todo === undefined ? " " : "!"} ${title.padEnd(width)}  ${text}`;
  const todos = rows.flatMap(({ title, todo }) =>
    todo === undefined ? [] : [`  ${title}: ${todo}`],
  );
  return [
    "",
    `Stack ${stack}, ${at}`,
    "",
    ...rows.map(line),
    "",
    ...(todos.length === 0 ? ["Nothing needs a person."] : ["Needs a person:", ...todos]),
    "",
    "",
  ].join("\n");
}
