import { readFileSync } from "node:fs";

/**
 * Largest error body that is looked into; a larger one is passed on as it is. The errors of the API and of LiteLLM are a
 * few KiB at most; where LiteLLM 1.91 wraps one, its escapes make at most five bytes of one. No more than that is
 * allowed, because every stream may hold twice as much, see the agents' listener.
 */
export const MAX_ERROR_BODY_BYTES = 32 * 1024;

/** The shim as one Lua chunk: Envoy's Lua loads no modules, so they are put together here. */
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
