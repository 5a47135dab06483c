import { createHash } from "node:crypto";

/** A short hash of a pod's inputs: as an annotation of its template, it rolls the pod when they change. */
export function contentHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
