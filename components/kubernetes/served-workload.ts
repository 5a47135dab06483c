import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { internalService, serviceAddress } from "./service.ts";
import { workload, type WorkloadArgs } from "./workload.ts";

export interface ServedWorkloadArgs extends WorkloadArgs {
  /** Ports of the Service, which has the name of the policy. */
  readonly ports: k8s.types.input.core.v1.ServicePort[];
}

/** A workload behind a Service of its own. */
export class ServedWorkload extends pulumi.ComponentResource {
  /** Address of the Service. */
  readonly address: pulumi.Output<string>;
  /** The Service: to depend on it is to wait until the newest pod serves. */
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
