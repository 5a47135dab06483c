import { join } from "node:path";
import { goPart } from "../../../lab/parts/go.ts";
import type { Progress } from "../../../lab/progress.ts";

/** The benchmark's load generator and upstream. Returns the program's path. */
export async function trafficProgram(progress: Progress): Promise<string> {
  const dir = await goPart(
    { name: "bench-traffic", moduleDir: import.meta.dirname, package: "." },
    progress,
  );
  return join(dir, "bench-traffic");
}
