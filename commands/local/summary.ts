import { elapsed } from "../../test/lab/progress.ts";
import type { Session } from "./session.ts";

/** The closing lines of `npm run local`: what runs, the tokens of the turns, the durations, and what to do next. */
export function renderSummary(session: Session): string {
  const turns = session.turns.map(({ result, is_error, usage }, index) => [
    `turn ${index + 1}`,
    is_error ? "failed" : "completed",
    usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens,
    usage.output_tokens,
    usage.cache_read_input_tokens,
    JSON.stringify(result.length > 40 ? `${result.slice(0, 39)}…` : result),
  ]);
  const steps = session.steps.map(({ title, milliseconds }) => [title, elapsed(milliseconds)]);
  const lines = [
    "",
    `Gateway   path ${session.gatewayPath} on ${session.target}`,
    `Base URL  ${session.baseUrl}`,
    `Agent     namespace ${session.namespace}`,
    "",
    ...table([["", "", "tokens in", "out", "cache reads", "answer"], ...turns]),
    "",
    ...table(steps),
    "",
    "Next:",
    ...table([
      ["  npm run lab -- kubectl get pods -A", "inspect the cluster"],
      [`  npm run local -- --gateway ${otherPath(session)}`, "switch to another path"],
      ["  npm run local -- --down", "take everything down"],
    ]),
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** A path to suggest next, other than the current one. */
function otherPath({ gatewayPath }: Session): string {
  return gatewayPath === "envoy" ? "shim" : "envoy";
}

function table(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => String(cell).padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
