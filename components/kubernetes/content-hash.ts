import { createHash } from "node:crypto";

/** A short hash of a pod's inputs. As an annotation of the pod's template, it causes a new pod when they change. */
export function contentHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
