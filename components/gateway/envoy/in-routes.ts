import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Message } from "./proto.ts";

/** A script that may call `in_routes(handle)`, which returns the virtual host's metadata for the script's filter. */
export function withRoutes(source: string): string {
  return readFileSync(new URL("in-routes.lua", import.meta.url), "utf8") + source;
}

/** A name for all routes of a virtual host. It changes with the metadata, so scripts know when to read it again. */
export function routesName(metadata: Message): string {
  return createHash("sha256").update(JSON.stringify(metadata)).digest("hex").slice(0, 32);
}
