import { CONFIG_DIR, DATA_DIR } from "../../../infra/machine/k3s-config.ts";
import { CLUSTER_DNS, CLUSTER_DOMAIN } from "./network.ts";

const AGENT = `${DATA_DIR}/k3s/agent`;

/**
 * The kubelet configuration that k3s v1.36 writes by itself, with systemd and the options of infra/machine/k3s-config.ts.
 * https://github.com/k3s-io/k3s/tree/master/pkg/daemons/agent (agent.go, agent_linux.go)
 */
export const k3sKubeletDefaults = {
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true, cacheTTL: "2m" },
    x509: { clientCAFile: `${AGENT}/client-ca.crt` },
  },
  authorization: {
    mode: "Webhook",
    webhook: { cacheAuthorizedTTL: "5m", cacheUnauthorizedTTL: "30s" },
  },
  cgroupDriver: "systemd",
  clusterDNS: [CLUSTER_DNS],
  clusterDomain: CLUSTER_DOMAIN,
  containerRuntimeEndpoint: "unix:///run/k3s/containerd/containerd.sock",
  cpuManagerReconcilePeriod: "10s",
  evictionHard: { "imagefs.available": "5%", "nodefs.available": "5%" },
  evictionMinimumReclaim: { "imagefs.available": "10%", "nodefs.available": "10%" },
  evictionPressureTransitionPeriod: "5m",
  failSwapOn: false,
  fileCheckFrequency: "20s",
  healthzBindAddress: "127.0.0.1",
  httpCheckFrequency: "20s",
  imageMinimumGCAge: "2m",
  nodeStatusReportFrequency: "5m",
  nodeStatusUpdateFrequency: "10s",
  protectKernelDefaults: true,
  resolvConf: `${CONFIG_DIR}/resolv.conf`,
  runtimeRequestTimeout: "2m",
  serializeImagePulls: false,
  staticPodPath: `${AGENT}/pod-manifests`,
  streamingConnectionIdleTimeout: "4h",
  syncFrequency: "1m",
  tlsCertFile: `${AGENT}/serving-kubelet.crt`,
  tlsPrivateKeyFile: `${AGENT}/serving-kubelet.key`,
  volumeStatsAggPeriod: "1m",
};

/** Merges two configurations as the kubelet merges its files: objects key by key, other values are replaced. */
export function overlaid(below: unknown, above: unknown): unknown {
  if (!isObject(below) || !isObject(above)) return above;
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = overlaid(below[key], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
