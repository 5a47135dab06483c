import { readFileSync } from "node:fs";

/**
 * Largest error body that the filter inspects; it passes a larger one on as it is. Errors of the API and of LiteLLM have
 * a few KiB at most, and LiteLLM 1.91, which escapes what it wraps, makes at most five bytes of one. The limit is low
 * because every stream may buffer twice as much, see the agents' listener.
 */
export const MAX_ERROR_BODY_BYTES = 32 * 1024;

/** The shim as one Lua chunk, because Lua in Envoy cannot load modules. */
export function shimSource(): string {
  return [
    module("json", luaFile("json.lua")),
    module("errors", luaFile("errors.lua")),
    luaFile("filter.lua"),
  ].join("\n");
}

/** The text of one of the shim's Lua files. */
export function luaFile(name: "json.lua" | "errors.lua" | "filter.lua"): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** A Lua file as a local variable of the chunk. */
export function module(name: string, source: string): string {
  return `local ${name} = (function()\n${source}end)()\n`;
}
