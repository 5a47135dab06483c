import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { networkPolicy } from "./network-policy.ts";
import { defaultDeny } from "./policy-spec.ts";
import { restrictedNamespaceLabels } from "./restricted.ts";

export interface ClosedNamespaceArgs {
  /** Name of the namespace. */
  readonly namespace: string;
  /** Labels in addition to those of every restricted namespace. */
  readonly labels: Record<string, string>;
  /** Default none. */
  readonly annotations?: Record<string, string> | undefined;
}

/** A namespace that admits only restricted pods, whose traffic is denied unless another policy allows it. */
export interface ClosedNamespace {
  /** Name of the namespace, once it exists. */
  readonly namespace: pulumi.Output<string>;
  /** The policy that denies all traffic. Everything in the namespace must depend on it. */
  readonly deny: k8s.networking.v1.NetworkPolicy;
}

/** Makes a {@link ClosedNamespace}. */
export function closedNamespace(
  name: string,
  args: ClosedNamespaceArgs,
  opts: pulumi.CustomResourceOptions,
): ClosedNamespace {
  const created = new k8s.core.v1.Namespace(
    `${name}-namespace`,
    {
      metadata: {
        name: args.namespace,
        labels: { ...restrictedNamespaceLabels, ...args.labels },
        ...(args.annotations && { annotations: args.annotations }),
      },
    },
    opts,
  );
  const namespace = created.metadata.name;
  const deny = networkPolicy(
    `${name}-default-deny`,
    { namespace, policyName: "default-deny", spec: defaultDeny() },
    opts,
  );
  return { namespace, deny };
}
