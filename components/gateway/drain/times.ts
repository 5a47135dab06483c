import type * as pulumi from "@pulumi/pulumi";

/** Seconds until Services no longer send requests to a pod that ends. */
export const DEREGISTRATION_SECONDS = 5;

/** Seconds that a server needs to stop after its last request. */
const TEARDOWN_SECONDS = 15;

/** `terminationGracePeriodSeconds` of a pod that drains for up to `drainSeconds`. */
export function terminationGraceSeconds(drainSeconds: number): number {
  return drainSeconds + DEREGISTRATION_SECONDS + TEARDOWN_SECONDS;
}

/** Timeouts of a Deployment whose pods drain: its deletion waits until the pods are gone. */
export function drainingTimeouts(drainSeconds: number): pulumi.CustomTimeouts {
  return { delete: `${terminationGraceSeconds(drainSeconds) + 60}s` };
}
