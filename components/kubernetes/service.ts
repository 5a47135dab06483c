import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

export interface InternalServiceArgs {
  readonly namespace: pulumi.Input<string>;
  readonly serviceName: string;
  /** The pods behind it. */
  readonly selector: Record<string, pulumi.Input<string>>;
  readonly ports: k8s.types.input.core.v1.ServicePort[];
}

/** A Service of a workload. Pulumi does not wait for its pods: to wait, depend on the Deployment. */
export function internalService(
  name: string,
  args: InternalServiceArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
  const { namespace, serviceName, selector, ports } = args;
  return new k8s.core.v1.Service(
    name,
    {
      metadata: {
        namespace,
        name: serviceName,
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: { selector, ports },
    },
    opts,
  );
}

/** A Service's cluster IP. In a preview of a new Service it is unknown, because the provider leaves it out. */
export function serviceAddress(service: k8s.core.v1.Service): pulumi.Output<string> {
  return service.spec.clusterIP.apply(
    (address) => (address as string | undefined) ?? (pulumi.unknown as unknown as string),
  );
}
