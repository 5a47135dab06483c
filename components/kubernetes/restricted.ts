/**
 * What the Pod Security Standard `restricted` asks of a pod, whoever runs it.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export const restrictedAnyUser = {
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

/** {@link restrictedAnyUser}, run by the user given. */
export function restrictedPod(user: number) {
  return { ...restrictedAnyUser, runAsUser: user, runAsGroup: user, fsGroup: user };
}

/** What the same standard asks of a container. */
export const restrictedPrivileges = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
};

/** {@link restrictedPrivileges}, and a read-only root besides. */
export const restrictedContainer = { ...restrictedPrivileges, readOnlyRootFilesystem: true };

/** Labels of a namespace that admits restricted pods only. */
export const restrictedNamespaceLabels: Record<string, string> = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/enforce-version": "latest",
};
