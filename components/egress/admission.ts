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
  /** The gate that a pod must begin with. */
  readonly gate: pulumi.Input<GateContainer>;
  /** Address of the agents' DNS. */
  readonly dnsAddress: pulumi.Input<string>;
}

/** Lets no pod into an agent's namespace that could start, or reach, past the gate. */
export class AgentAdmission extends pulumi.ComponentResource {
  /** What an agent's pod depends on, so that the policy outlives it. */
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
