/**
 * What the cluster's programs are told on every node of ours: k3s takes it on the machine (k3s-config.ts), and the lab's
 * own Kubernetes takes the same. Text and values only; where a file lies is the caller's.
 */

/** Files of the API server. */
export interface ApiServerFiles {
  readonly admissionConfig: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
}

/** Flags of the API server, by name. */
export function apiServerSettings(files: ApiServerFiles): Readonly<Record<string, string>> {
  return {
    "enable-admission-plugins": "NodeRestriction",
    "admission-control-config-file": files.admissionConfig,
    "audit-policy-file": files.auditPolicy,
    "audit-log-path": files.auditLog,
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
    "service-account-extend-token-expiration": "false",
  };
}

/** Flags of the controller manager, by name. */
export const controllerManagerSettings: Readonly<Record<string, string>> = {
  "terminated-pod-gc-threshold": "10",
};

/**
 * The kubelet's, in the form of its configuration file. Sized for 2 to 4 processors, 8 to 16 GiB of memory, a boot disk
 * (`nodefs`: logs, scratch volumes) and a data disk (`imagefs`: images) of 20 GB and more each.
 * https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
 */
export const kubeletSettings = {
  // A changed Secret is in a pod's volume after this time and at most half as much again: well within 15 s.
  syncFrequency: "5s",
  // The change itself is heard of at once; no cache with a time to live stands between.
  configMapAndSecretChangeDetectionStrategy: "Watch",
  streamingConnectionIdleTimeout: "5m",
  protectKernelDefaults: true,
  // The limits of scratch volumes hold: a pod that writes more than its volume's limit is evicted.
  localStorageCapacityIsolation: true,
  // k3s names the disks alone, so that a machine short of memory would be left to the kernel's choice.
  evictionHard: {
    "memory.available": "500Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "10%",
    "imagefs.inodesFree": "5%",
  },
  // k3s says 10%, with which the kubelet would evict until a fifth is free.
  evictionMinimumReclaim: { "nodefs.available": "5%", "imagefs.available": "5%" },
  // Unused images go long before anything is evicted for their room.
  imageGCHighThresholdPercent: 80,
  imageGCLowThresholdPercent: 70,
  imageMinimumGCAge: "2m",
} as const;

/** A kubelet configuration file; valid YAML, and no serializer is needed for it. */
export function renderKubeletConfig(settings: object = kubeletSettings): string {
  const head = { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" };
  return `${JSON.stringify({ ...head, ...settings }, null, 2)}\n`;
}
