import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** Group in the certificates of operators, see `npm run operator`. */
export const OPERATORS = "claude-gateway:operators";

const READ = ["get", "list", "watch"];

/**
 * What operators may do in the namespaces of a stack: see everything but Secrets, and restart a pod by deleting it. Whoever
 * may change a workload or run a command in a pod reads the Secrets that it mounts, so neither is among it.
 */
export const operatorRules = [
  {
    apiGroups: [""],
    resources: [
      ...["configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims"],
      ...["pods", "pods/log", "pods/status", "resourcequotas", "serviceaccounts", "services"],
    ],
    verbs: READ,
  },
  { apiGroups: [""], resources: ["pods"], verbs: ["delete"] },
  { apiGroups: ["apps"], resources: ["deployments", "replicasets"], verbs: READ },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: READ },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: READ },
];

/** What operators may see of the cluster. */
export const operatorClusterRules = [
  { apiGroups: [""], resources: ["namespaces", "nodes", "persistentvolumes"], verbs: READ },
];

export interface OperatorsArgs {
  /** Name of the cluster-wide objects; unique in the cluster. */
  readonly objectName: string;
  /** Labels of the cluster-wide objects. */
  readonly labels: Record<string, string>;
  /** Namespaces of the stack, by a name for the resource. */
  readonly namespaces: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Lets the members of {@link OPERATORS} look after a stack. */
export class Operators extends pulumi.ComponentResource {
  constructor(name: string, args: OperatorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:kubernetes:Operators", name, {}, opts);
    const { objectName, labels } = args;
    const role = new k8s.rbac.v1.ClusterRole(
      `${name}-role`,
      { metadata: { name: objectName, labels }, rules: operatorRules },
      { parent: this },
    );
    const clusterRole = new k8s.rbac.v1.ClusterRole(
      `${name}-cluster-role`,
      { metadata: { name: `${objectName}-cluster`, labels }, rules: operatorClusterRules },
      { parent: this },
    );
    new k8s.rbac.v1.ClusterRoleBinding(
      `${name}-cluster`,
      {
        metadata: { name: `${objectName}-cluster`, labels },
        roleRef: roleRef(clusterRole),
        subjects: SUBJECTS,
      },
      { parent: this },
    );
    for (const [key, namespace] of Object.entries(args.namespaces)) {
      new k8s.rbac.v1.RoleBinding(
        `${name}-${key}`,
        {
          metadata: { namespace, name: "operators" },
          roleRef: roleRef(role),
          subjects: SUBJECTS,
        },
        { parent: this },
      );
    }
    this.registerOutputs();
  }
}

const SUBJECTS = [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: OPERATORS }];

function roleRef(role: k8s.rbac.v1.ClusterRole) {
  return { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name };
}
