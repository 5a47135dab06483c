import { z } from "zod";
import { labelKeys } from "../../components/kubernetes/labels.ts";

/** From when to when something may live. */
export interface Lifetime {
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Whether a time to live is over. */
export function isPast({ expiresAt }: Lifetime, now: Date): boolean {
  return expiresAt.getTime() < now.getTime();
}

/** The lifetime of what began at the earliest of some RFC 3339 times. Throws when there is none to be read. */
export function lifetime(created: readonly string[], ttlSeconds: number): Lifetime {
  const createdAt = new Date(Math.min(...created.map(Date.parse)));
  if (Number.isNaN(createdAt.getTime())) throw new Error("it has no creation time");
  return { createdAt, expiresAt: new Date(createdAt.getTime() + ttlSeconds * 1000) };
}

/** Reads the annotation of a spike's namespace. Throws when it is no number of seconds. */
export function annotatedTtlSeconds(annotations: Readonly<Record<string, string>> = {}): number {
  const text = annotations[labelKeys.ttlSeconds] ?? "";
  if (!/^[1-9]\d{0,9}$/.test(text)) {
    throw new Error(
      `its annotation ${labelKeys.ttlSeconds} is ${JSON.stringify(text)}, no number of seconds`,
    );
  }
  return Number(text);
}

/** An object's `metadata`, as far as anything here reads it. */
export const Metadata = z.looseObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  finalizers: z.array(z.string()).optional(),
  creationTimestamp: z.string(),
});
