import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { closedNamespace, type ClosedNamespaceArgs } from "./closed-namespace.ts";
import { GATEWAY_PRIORITY } from "./priority.ts";

/** What a container of the gateway may write to its logs, its scratch volumes and its own layer. */
export const gatewayContainerDefaults = {
  limits: [
    {
      type: "Container",
      // Its rotated logs take 50 MiB at most, see containerLogMaxSize; the rest is for bursts between two rotations.
      default: { "ephemeral-storage": "1Gi" },
      // Below this, the kubelet does not evict it for a disk that others filled.
      defaultRequest: { "ephemeral-storage": "64Mi" },
    },
  ],
};

/** A {@link gatewayNamespace}. */
export interface GatewayNamespace {
  /** Name of the namespace, once it exists. */
  readonly namespace: pulumi.Output<string>;
  /** Everything in the namespace must depend on these. */
  readonly ready: pulumi.Resource[];
}

/**
 * The namespace of a gateway: a closed one, with a PriorityClass of the same name, which every workload in it uses. The
 * class is cluster-wide, and a name that is free for the namespace is free for it, whatever stacks are on the cluster.
 */
export function gatewayNamespace(
  name: string,
  args: ClosedNamespaceArgs,
  opts: pulumi.CustomResourceOptions,
): GatewayNamespace {
  const { namespace, deny } = closedNamespace(name, args, opts);
  const priority = new k8s.scheduling.v1.PriorityClass(
    `${name}-priority`,
    {
      metadata: { name: namespace, labels: args.labels },
      value: GATEWAY_PRIORITY,
      description: "Pods of an LLM gateway: they come before agents' pods.",
    },
    opts,
  );
  const limits = new k8s.core.v1.LimitRange(
    `${name}-defaults`,
    { metadata: { namespace, name: "gateway" }, spec: gatewayContainerDefaults },
    opts,
  );
  return { namespace, ready: [deny, priority, limits] };
}
