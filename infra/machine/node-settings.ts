/**
 * Settings of the Kubernetes programs on every node: k3s on the machine uses them (k3s-config.ts), and so does the lab's
 * own Kubernetes. Text and values only; the caller decides where a file goes.
 */

import { GATEWAY_PRIORITY, SYSTEM_PRIORITY } from "../../components/kubernetes/priority.ts";

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

/** Default of `host.maintenance.drainSeconds`. */
export const DRAIN_SECONDS = 900;

/**
 * What the kubelet does before the machine shuts down: it ends the pods of one group after the other, each with the grace
 * that the pod asks for, but no longer than its group has. Agents are first, and can reach the gateway until they have
 * ended. https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/
 */
export function gracefulShutdown(drainSeconds: number) {
  return {
    shutdownGracePeriodByPodPriority: [
      { priority: 0, shutdownGracePeriodSeconds: drainSeconds },
      { priority: GATEWAY_PRIORITY, shutdownGracePeriodSeconds: 60 },
      { priority: SYSTEM_PRIORITY, shutdownGracePeriodSeconds: 20 },
    ],
  };
}

/**
 * Lets systemd-logind delay a shutdown as long as the kubelet asks for. Debian's package unattended-upgrades allows 30 s in
 * a file of this name, which beats the kubelet's own file because its name is later; the kubelet then delays nothing. A
 * file in /etc replaces the one of the same name in /usr. https://github.com/kubernetes/kubernetes/issues/102818
 */
export const LOGIND_DELAY = "/etc/systemd/logind.conf.d/unattended-upgrades-logind-maxdelay.conf";

/** The text of {@link LOGIND_DELAY}. The kubelet makes logind read it. */
export function renderLogindDelay(drainSeconds: number): string {
  const seconds = gracefulShutdown(drainSeconds)
    .shutdownGracePeriodByPodPriority.map((group) => group.shutdownGracePeriodSeconds)
    .reduce((sum, next) => sum + next, 0);
  return `[Login]\nInhibitDelayMaxSec=${seconds}\n`;
}

/**
 * The kubelet's configuration file. Sized for 2 to 4 CPUs, 8 to 16 GiB of memory, a boot disk (`nodefs`: logs, scratch
 * volumes) and a data disk (`imagefs`: images) of at least 20 GB each.
 * https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
 */
export const kubeletSettings = {
  // A changed Secret reaches a pod's volume within 1.5 times this period: well within 15 s.
  syncFrequency: "5s",
  // The kubelet watches Secrets and sees a change at once, instead of caching them for a time to live.
  configMapAndSecretChangeDetectionStrategy: "Watch",
  streamingConnectionIdleTimeout: "5m",
  protectKernelDefaults: true,
  // Enforces the size limits of scratch volumes: a pod that writes more than its volume's limit is evicted.
  localStorageCapacityIsolation: true,
  // The default of 1m means that a scratch volume is measured every 60 to 120 s: long enough to fill the disk at its full speed.
  volumeStatsAggPeriod: "15s",
  // What pods never get. The kernel holds all pods together to the rest of the memory and of the processes: k3s, containerd
  // and sshd keep theirs whatever pods do. Processes are threads here.
  kubeReserved: { cpu: "200m", memory: "1Gi", "ephemeral-storage": "1Gi", pid: "2000" },
  systemReserved: { cpu: "100m", memory: "256Mi", "ephemeral-storage": "1Gi", pid: "1000" },
  // Enough for a parallel build with tests; a fork bomb ends here.
  podPidsLimit: 2048,
  // Five files for each container, checked every 10 s.
  containerLogMaxSize: "10Mi",
  containerLogMaxFiles: 5,
  // k3s sets thresholds for the disks only; without one for memory, the kernel would choose what to kill.
  evictionHard: {
    "memory.available": "500Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "10%",
    "imagefs.inodesFree": "5%",
  },
  // k3s sets 5 minutes, in which no pod can start after a disk was full, the gateway's among them.
  evictionPressureTransitionPeriod: "1m",
  // k3s sets 10%; the kubelet would then evict pods until 20% of the disk is free.
  evictionMinimumReclaim: { "nodefs.available": "5%", "imagefs.available": "5%" },
  // Remove unused images long before pods are evicted for disk space.
  imageGCHighThresholdPercent: 80,
  imageGCLowThresholdPercent: 70,
  imageMinimumGCAge: "2m",
  ...gracefulShutdown(DRAIN_SECONDS),
} as const;

/** A kubelet configuration file. JSON is valid YAML, so no serializer is needed. */
export function renderKubeletConfig(settings: object = kubeletSettings): string {
  const head = { apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration" };
  return `${JSON.stringify({ ...head, ...settings }, null, 2)}\n`;
}
