import type { Status } from "./report.ts";

/** What a status is called on the page. */
export const WORDS: Readonly<Record<Status, string>> = {
  pass: "kept",
  fail: "failed",
  "known-loss": "lost, as known",
  "not-applicable": "does not apply",
  skipped: "not measured",
};

export const SIGNS: Readonly<Record<Status, string>> = {
  pass: "✓",
  fail: "✗",
  "known-loss": "▽",
  "not-applicable": "–",
  skipped: "○",
};

/** A text as HTML shows it. */
export function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
