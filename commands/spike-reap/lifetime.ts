import { z } from "zod";
import { labelKeys } from "../../components/kubernetes/labels.ts";

/** When something was created, and when it expires. */
export interface Lifetime {
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Whether the time to live has passed. */
export function isPast({ expiresAt }: Lifetime, now: Date): boolean {
  return expiresAt.getTime() < now.getTime();
}

/** The lifetime that begins at the earliest of the given RFC 3339 times. Throws if none can be parsed. */
export function lifetime(created: readonly string[], ttlSeconds: number): Lifetime {
  const createdAt = new Date(Math.min(...created.map(Date.parse)));
  if (Number.isNaN(createdAt.getTime())) throw new Error("it has no creation time");
  return { createdAt, expiresAt: new Date(createdAt.getTime() + ttlSeconds * 1000) };
}

/** Reads the time-to-live annotation of a spike's namespace. Throws if it is not a number of seconds. */
export function annotatedTtlSeconds(annotations: Readonly<Record<string, string>> = {}): number {
  const text = annotations[labelKeys.ttlSeconds] ?? "";
  if (!/^[1-9]\d{0,9}$/.test(text)) {
    throw new Error(
      `its annotation ${labelKeys.ttlSeconds} is ${JSON.stringify(text)}, not a number of seconds`,
    );
  }
  return Number(text);
}

/** The fields of an object's `metadata` that spike:reap reads. */
export const Metadata = z.looseObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  creationTimestamp: z.string(),
});
