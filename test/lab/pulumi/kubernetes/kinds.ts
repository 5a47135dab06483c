import { typeOf, type KubeObject, type ObjectType } from "./object.ts";

/** Built-in kinds of the cluster; with a cluster out of reach they say which object has no namespace. */
const CLUSTER_KINDS = new Set(
  (
    "APIService CertificateSigningRequest ClusterRole ClusterRoleBinding CSIDriver CSINode " +
    "CustomResourceDefinition FlowSchema IngressClass MutatingWebhookConfiguration Namespace Node " +
    "PersistentVolume PriorityClass PriorityLevelConfiguration RuntimeClass StorageClass " +
    "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment"
  ).split(" "),
);

/** Whether objects of the type live in a namespace, as far as that is known without asking the API server. */
export function isNamespacedOffline({ kind }: ObjectType): boolean {
  return !CLUSTER_KINDS.has(kind);
}

export function isSecret(object: KubeObject): boolean {
  const { group, version, kind } = typeOf(object);
  return group === "" && version === "v1" && kind === "Secret";
}

export function isCustomResourceDefinition(object: KubeObject): boolean {
  const { group, kind } = typeOf(object);
  return group === "apiextensions.k8s.io" && kind === "CustomResourceDefinition";
}

/** Why the stand-in has no such resource, if it has not. */
export function unsupported(token: string): string | undefined {
  const [, module = "", kind = ""] = token.split(":");
  if (kind.endsWith("List") && module.includes("/")) {
    return (
      "list resources exist for compatibility with YAML manifests and Helm charts, and cannot be created " +
      "directly. Use the underlying resource type instead"
    );
  }
  if (kind.endsWith("Patch")) return standInHasNo(token, "Patch resources");
  if (/^(helm\.sh|yaml|kustomize)\b/.test(module))
    return standInHasNo(token, "charts and YAML files");
  return undefined;
}

function standInHasNo(token: string, what: string): string {
  return `the lab's stand-in for the Kubernetes provider has no ${what}: ${token} needs the real provider`;
}
