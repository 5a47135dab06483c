import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { PolicySpec } from "./policy-spec.ts";

/** Makes a NetworkPolicy of a rendered spec. Pods that it is for depend on it, so that it outlives them. */
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
        // What somebody changed by hand is put back by `pulumi up --refresh`, and no conflict.
        annotations: { "pulumi.com/patchForce": "true" },
      },
      spec: args.spec,
    },
    opts,
  );
}
