import { readFileSync } from "node:fs";
import { MAX_REQUEST_BYTES } from "../api/endpoints.ts";

/** Namespace of the dynamic metadata that the filter writes about a request that it refuses. */
export const SERVER_FETCH = "server_fetch";

/** Keys in {@link SERVER_FETCH}: the field that is refused, what its message says, or why the body cannot be read. */
export const serverFetchKeys = {
  field: "field",
  message: "message",
  unreadable: "unreadable",
} as const;

/** The filter as one Lua chunk, because Lua in Envoy cannot load modules. */
export function serverFetchSource(): string {
  const names = { namespace: SERVER_FETCH, overLimit: String(MAX_REQUEST_BYTES + 1) };
  const filter = serverFetchFile("filter.lua").replace(
    /@(\w+)@/g,
    (_, name: keyof typeof names) => names[name],
  );
  return `${scanModule()}\n${filter}`;
}

/** The module that reads a body, as a local variable of a chunk. */
export function scanModule(): string {
  return `local scan = (function()\n${serverFetchFile("scan.lua")}end)()\n`;
}

function serverFetchFile(name: "scan.lua" | "filter.lua"): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
