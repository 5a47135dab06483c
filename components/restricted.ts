import type { types } from "@pulumi/kubernetes";

/**
 * What the Pod Security Standard `restricted` asks of a pod, and a read-only root besides.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function restrictedPod(user: number): types.input.core.v1.PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** The container's half of {@link restrictedPod}. */
export const restrictedContainer: types.input.core.v1.SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** Labels of a namespace that admits restricted pods only. */
export const restrictedNamespaceLabels: Record<string, string> = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/enforce-version": "latest",
};
