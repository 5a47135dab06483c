import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** A Service's cluster IP. Unknown in a preview of a Service that does not exist yet, where the provider leaves it out. */
export function serviceAddress(service: k8s.core.v1.Service): pulumi.Output<string> {
  return service.spec.clusterIP.apply(
    (address) => (address as string | undefined) ?? (pulumi.unknown as unknown as string),
  );
}
