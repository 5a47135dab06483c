import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

export interface InternalServiceArgs {
  readonly namespace: pulumi.Input<string>;
  readonly serviceName: string;
  /** The pods behind it. */
  readonly selector: Record<string, pulumi.Input<string>>;
  readonly ports: k8s.types.input.core.v1.ServicePort[];
}

/** A Service of a workload. Who has to wait for the pod depends on the Deployment: Pulumi does not wait here. */
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

/** A Service's cluster IP. Unknown in a preview of a Service that does not exist yet, where the provider leaves it out. */
export function serviceAddress(service: k8s.core.v1.Service): pulumi.Output<string> {
  return service.spec.clusterIP.apply(
    (address) => (address as string | undefined) ?? (pulumi.unknown as unknown as string),
  );
}
