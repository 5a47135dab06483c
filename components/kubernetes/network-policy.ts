import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicySpec } from "./policy-spec.ts";

/** Makes a NetworkPolicy of a rendered spec. Its pods must depend on it, so that it is deleted after them. */
export function networkPolicy(
  name: string,
  args: {
    readonly namespace: pulumi.Input<string>;
    readonly policyName: string;
    readonly spec: PolicySpec;
  },
  opts: pulumi.CustomResourceOptions,
): k8s.networking.v1.NetworkPolicy {
  return new k8s.networking.v1.NetworkPolicy(
    name,
    {
      metadata: {
        namespace: args.namespace,
        name: args.policyName,
        // So that `pulumi up --refresh` undoes a change by hand instead of reporting a conflict.
        annotations: { "pulumi.com/patchForce": "true" },
      },
      spec: args.spec,
    },
    opts,
  );
}
