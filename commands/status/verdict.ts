import type { Row } from "./report.ts";

/** ConfigMap in the gateway's namespace with the last verdict. `npm run verify` writes it. */
export const VERDICT_NAME = "last-verdict";

/** The last verdict on a stack. All values are texts, as in a ConfigMap. */
export interface LastVerdict {
  /** ISO 8601. */
  readonly measuredAt: string;
  readonly path: string;
  readonly verdict: "as-expected" | "differs";
  readonly passed: string;
  readonly checks: string;
}

/** A verdict says nothing of a path that was chosen later, and little after so long. */
const STALE_MS = 90 * 86_400_000;

/** The row of the last verdict; undefined if there was none. */
export function verdictRow(
  last: LastVerdict | undefined,
  { stack, path, nowMs }: { readonly stack: string; readonly path: string; readonly nowMs: number },
): Row {
  const title = "last verdict";
  const run = `npm run verify -- --stack ${stack}`;
  if (last === undefined) return { title, text: "none", todo: `measure the gateway: ${run}` };
  const text = `${last.verdict} on ${last.path}, ${last.measuredAt}: ${last.passed} of ${last.checks} checks passed`;
  if (last.verdict === "differs") return { title, text, todo: `see which check differs: ${run}` };
  if (last.path !== path) return { title, text, todo: `the path is ${path} now: ${run}` };
  const stale = nowMs - Date.parse(last.measuredAt) > STALE_MS;
  return { title, text, ...(stale && { todo: `it is older than 90 days: ${run}` }) };
}
