import { join } from "node:path";
import {
  PROVIDER,
  providerFlags,
  renderProvider,
  renderProviderConfig,
} from "../../../infra/machine/registries/registries.ts";
import { kubeletSettings, renderKubeletConfig } from "../../../infra/machine/node-settings.ts";
import type { ClusterParts } from "./control-plane.ts";
import type { Daemon } from "./daemons.ts";
import { asConfiguration, CONTAINERD_SOCKET, kubeletDifferences } from "./differences.ts";
import { k3sKubeletDefaults, overlaid } from "./k3s.ts";
import type { Lab } from "./lab.ts";
import { NODE, PODS } from "./network.ts";
import { kubeconfigDir } from "./pki.ts";
import { NODE_NAME } from "./sandbox.ts";

/** The pause image, which keeps a pod's namespaces. */
export const PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1";

/** Folder of the node's configuration files. */
export function configDir(lab: Lab): string {
  return join(lab.dir, "etc");
}

/** A registry other than Artifact Registry, for which the host has pull credentials. */
export const OTHER_REGISTRY = "images.example.com";

/** Where the lab has the files that the host has in PROVIDER_DIR and PROVIDER_CONFIG. */
const PROVIDER_FOLDER = "image-credentials";
const PROVIDER_SETTINGS = "image-credentials.json";

/** The authority of the simulated servers. The node trusts it like a machine its image's authorities. */
export function authorityFile(lab: Lab): string {
  return join(configDir(lab), "authorities.pem");
}

export function containerd(lab: Lab): Daemon {
  return {
    name: "containerd",
    env: { SSL_CERT_FILE: authorityFile(lab) },
    argv: ["containerd", `--config=${join(configDir(lab), "containerd.toml")}`],
  };
}

export function kubelet(lab: Lab, parts: ClusterParts): Daemon {
  return {
    name: "kubelet",
    // For the credential provider, which the kubelet runs.
    env: { SSL_CERT_FILE: authorityFile(lab) },
    argv: [
      join(parts.kubernetes, "kubelet"),
      `--config=${join(configDir(lab), "kubelet.json")}`,
      `--kubeconfig=${join(kubeconfigDir(lab), "kubelet.kubeconfig")}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE.v4},${NODE.v6}`,
      ...providerFlags(
        join(configDir(lab), PROVIDER_FOLDER),
        join(configDir(lab), PROVIDER_SETTINGS),
      ).map((flag) => `--${flag}`),
    ],
  };
}

export function kubeProxy(lab: Lab, parts: ClusterParts): Daemon {
  return {
    name: "kube-proxy",
    argv: [
      join(parts.kubernetes, "kube-proxy"),
      `--config=${join(configDir(lab), "kube-proxy.json")}`,
      `--hostname-override=${NODE_NAME}`,
    ],
  };
}

/** The node's configuration files, by name. */
export function nodeConfigFiles(lab: Lab): Record<string, string> {
  return {
    "containerd.toml": containerdConfig(lab),
    "kubelet.json": kubeletConfig(lab),
    [join(PROVIDER_FOLDER, PROVIDER)]: renderProvider(),
    [PROVIDER_SETTINGS]: renderProviderConfig([OTHER_REGISTRY]),
    "kube-proxy.json": JSON.stringify(kubeProxyConfig(lab), null, 2),
  };
}

function containerdConfig(lab: Lab): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "${CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${PAUSE_IMAGE}"
# The machine may not allow lowering a process's score.
restrict_oom_score_adj = true
# As k3s configures it.
enable_unprivileged_ports = true
enable_unprivileged_icmp = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${join(configDir(lab), "cni")}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;
}

/** The kubelet configuration of the host, after the kubelet's merge, with the listed differences applied. */
function kubeletConfig(lab: Lab): string {
  const host = overlaid(k3sKubeletDefaults, kubeletSettings);
  return renderKubeletConfig(
    overlaid(host, asConfiguration(kubeletDifferences(lab))) as Record<string, unknown>,
  );
}

function kubeProxyConfig(lab: Lab): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: join(kubeconfigDir(lab), "kube-proxy.kubeconfig") },
    clusterCIDR: `${PODS.v4},${PODS.v6}`,
    oomScoreAdj: 0,
    // This limit applies to the whole machine.
    conntrack: { maxPerCore: 0 },
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
  };
}
