import { goPart } from "../parts/go.ts";
import type { Progress } from "../progress.ts";

/** The lab's NetworkPolicy controller. Returns the folder with `netpol`. */
export async function netpolPart(progress: Progress): Promise<string> {
  return goPart({ name: "netpol", moduleDir: import.meta.dirname, package: "." }, progress);
}
