import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Makes a claim on a volume of the cluster's default storage class. Only pods of one node can mount it. */
export function volumeClaim(
  name: string,
  args: {
    readonly namespace: pulumi.Input<string>;
    readonly claimName: string;
    /** As a quantity, for example `1Gi`. Most storage classes cannot change it later. */
    readonly size: string;
  },
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.PersistentVolumeClaim {
  return new k8s.core.v1.PersistentVolumeClaim(
    name,
    {
      metadata: {
        namespace: args.namespace,
        name: args.claimName,
        // Many storage classes bind a volume only when a pod needs it, and that pod waits for this resource.
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: args.size } } },
    },
    opts,
  );
}
