import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.ts";

const QUOTED_LINES = 15;

/** The last lines of a program's log, after a line with the log's path. */
export function logTail(lab: Lab, name: string): string {
  const file = join(lab.logDir, `${name}.log`);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return `(${file} does not exist)`;
  }
  const tail = text.trimEnd().split("\n").slice(-QUOTED_LINES);
  return [`Last lines of ${file}:`, ...tail.map((line) => `  ${line.slice(0, 500)}`)].join("\n");
}
