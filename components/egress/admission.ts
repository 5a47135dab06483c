import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { admissionRules, admissionVariables } from "./admission-rules.ts";
import type { GateContainer } from "./gate/gate.ts";

export interface AgentAdmissionArgs {
  /** Name of the two cluster-wide objects; unique on the cluster. */
  readonly objectName: string;
  /** Labels of the two objects. */
  readonly labels: Record<string, string>;
  /** Labels that every namespace of the stack's agents has, and no other namespace. */
  readonly agentNamespaces: Record<string, string>;
  /** The gate, which must be the first init container of a pod. */
  readonly gate: pulumi.Input<GateContainer>;
  /** Address of the agents' DNS. */
  readonly dnsAddress: pulumi.Input<string>;
}

/** Admits only pods into an agent's namespace that start with the gate and cannot get around it. */
export class AgentAdmission extends pulumi.ComponentResource {
  /** An agent's pod must depend on it, so that the policy is deleted after the pod. */
  readonly binding: k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding;

  constructor(name: string, args: AgentAdmissionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:egress:AgentAdmission", name, {}, opts);
    const metadata = { name: args.objectName, labels: args.labels };

    const policy = new k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}-policy`,
      {
        metadata,
        spec: {
          failurePolicy: "Fail",
          matchConstraints: {
            namespaceSelector: { matchLabels: args.agentNamespaces },
            resourceRules: [
              {
                apiGroups: [""],
                apiVersions: ["v1"],
                operations: ["CREATE"],
                resources: ["pods"],
              },
              {
                apiGroups: [""],
                apiVersions: ["v1"],
                operations: ["UPDATE"],
                resources: ["pods/ephemeralcontainers"],
              },
            ],
          },
          variables: admissionVariables,
          validations: pulumi.output(args).apply(({ gate, dnsAddress }) =>
            admissionRules({ gate, dnsAddress }).map((rule) => ({
              ...rule,
              reason: "Forbidden",
            })),
          ),
        },
      },
      { parent: this },
    );
    this.binding = new k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      `${name}-binding`,
      {
        metadata,
        spec: { policyName: policy.metadata.name, validationActions: ["Deny"] },
      },
      { parent: this },
    );

    this.registerOutputs({});
  }
}
