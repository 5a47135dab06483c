import type { Status } from "./report.ts";

/** The words for each status on the page. */
export const WORDS: Readonly<Record<Status, string>> = {
  pass: "passed",
  fail: "failed",
  "known-loss": "known loss",
  "by-design": "changed by design",
  "not-applicable": "does not apply",
  skipped: "not measured",
};

export const SIGNS: Readonly<Record<Status, string>> = {
  pass: "✓",
  fail: "✗",
  "known-loss": "▽",
  "by-design": "◇",
  "not-applicable": "–",
  skipped: "○",
};

/** Escapes a text for HTML. */
export function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
