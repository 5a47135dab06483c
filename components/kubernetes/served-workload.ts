import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { internalService, serviceAddress } from "./service.ts";
import { workload, type WorkloadArgs } from "./workload.ts";

export interface ServedWorkloadArgs extends WorkloadArgs {
  /** Ports of the Service. Its name is `objectName`. */
  readonly ports: k8s.types.input.core.v1.ServicePort[];
}

/** A workload with its own Service. */
export class ServedWorkload extends pulumi.ComponentResource {
  /** Address of the Service. */
  readonly address: pulumi.Output<string>;
  /** The Service. A resource that depends on it waits until the newest pod is Ready. */
  readonly service: k8s.core.v1.Service;

  constructor(
    type: string,
    name: string,
    { ports, ...args }: ServedWorkloadArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, {}, opts);
    const { deployment, selector } = workload(name, args, { parent: this });
    this.service = internalService(
      `${name}-service`,
      { namespace: args.namespace, serviceName: args.objectName, selector, ports },
      { parent: this, dependsOn: [deployment] },
    );
    this.address = serviceAddress(this.service);
    this.registerOutputs({ address: this.address });
  }
}
