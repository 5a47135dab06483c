/**
 * What the Pod Security Standard `restricted` requires of a pod, without a user.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export const restrictedAnyUser = {
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

/** {@link restrictedAnyUser} with a user, also as its group. */
export function restrictedPod(user: number) {
  return { ...restrictedAnyUser, runAsUser: user, runAsGroup: user, fsGroup: user };
}

/** What the same standard requires of a container. */
export const restrictedPrivileges = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
};

/** {@link restrictedPrivileges} and a read-only root file system. */
export const restrictedContainer = { ...restrictedPrivileges, readOnlyRootFilesystem: true };

/** Labels of a namespace that admits only restricted pods. */
export const restrictedNamespaceLabels: Record<string, string> = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/enforce-version": "latest",
};
