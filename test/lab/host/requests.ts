import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { AskedRequest } from "./cloud.ts";

/** All requests that left the machine of a folder, over all its boots. */
export function readRequests(dir: string): AskedRequest[] {
  const file = join(dir, "requests.jsonl");
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  return lines.map((line) => JSON.parse(line) as AskedRequest);
}
