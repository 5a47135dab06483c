import type * as pulumi from "@pulumi/pulumi";

/** Seconds that Services need to stop sending requests to a pod. */
export const DEREGISTRATION_SECONDS = 5;

/** Seconds that a server needs to end after its last request. */
const TEARDOWN_SECONDS = 15;

/** The grace that the kubelet gives a pod which drains for `drainSeconds`. */
export function terminationGraceSeconds(drainSeconds: number): number {
  return drainSeconds + DEREGISTRATION_SECONDS + TEARDOWN_SECONDS;
}

/** Timeouts of a Deployment whose pods drain: deleting one waits until its pods are gone. */
export function drainingTimeouts(drainSeconds: number): pulumi.CustomTimeouts {
  return { delete: `${terminationGraceSeconds(drainSeconds) + 60}s` };
}
