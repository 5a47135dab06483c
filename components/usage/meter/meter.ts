import { readFileSync } from "node:fs";

/** The modules of the meter, each before those that use it. */
const MODULES = ["json", "events", "cost", "iterations", "tally"] as const;

/** A Lua file of the meter. */
export type MeterFile = `${(typeof MODULES)[number] | "filter"}.lua`;

/**
 * The meter as one Lua chunk, because Lua in Envoy cannot load modules. `messagePaths` are Lua patterns of the paths on which
 * requests for messages come; a capture is the model.
 */
export function meterSource(messagePaths: readonly string[]): string {
  const paths = messagePaths.map((path) => JSON.stringify(path)).join(", ");
  return meterModules() + meterFile("filter.lua").replace("@messagePaths@", () => paths);
}

/** The modules without the filter, as local variables of a chunk. */
export function meterModules(): string {
  return MODULES.map(
    (name) => `local ${name} = (function()\n${meterFile(`${name}.lua`)}end)()\n\n`,
  ).join("");
}

/** The text of one of the meter's Lua files. */
export function meterFile(name: MeterFile): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
