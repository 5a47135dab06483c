import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { pkiDir } from "./pki.ts";

/** A setting of the host's that the lab cannot have. */
export interface Difference {
  /** Path of the field in the kubelet's configuration. */
  readonly setting: string;
  /** What the lab has in its place. */
  readonly lab: unknown;
  readonly why: string;
}

/** Where containerd listens, inside the sandbox. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

/**
 * Everything in which the lab's kubelet differs from the host's. All else, and all of what the API server and the
 * controller manager are told by infra/machine/node-settings.ts, is the same; a test compares them. Of k3s's own switches the
 * lab lacks one: `secrets-encryption`, since its etcd goes with it and holds nobody's secret.
 */
export function kubeletDifferences(lab: Lab): readonly Difference[] {
  const pki = pkiDir(lab);
  const ownPlace = "the lab keeps its files in a folder of its own";
  return [
    { setting: "authentication.x509.clientCAFile", lab: `${pki}/ca.pem`, why: ownPlace },
    { setting: "tlsCertFile", lab: `${pki}/kubelet.pem`, why: ownPlace },
    { setting: "tlsPrivateKeyFile", lab: `${pki}/kubelet.key`, why: ownPlace },
    { setting: "resolvConf", lab: join(lab.dir, "resolv.conf"), why: ownPlace },
    { setting: "staticPodPath", lab: "", why: "cluster DNS comes by kubectl: nothing is static" },
    {
      setting: "volumePluginDir",
      lab: "/var/lib/kubelet/volume-plugins",
      why: "the default lies in /usr, which is the machine's",
    },
    {
      setting: "containerRuntimeEndpoint",
      lab: `unix://${CONTAINERD_SOCKET}`,
      why: "containerd is Debian's",
    },
    { setting: "cgroupDriver", lab: "cgroupfs", why: "there is no systemd in the sandbox" },
    {
      setting: "cgroupRoot",
      lab: `/${lab.cgroup}`,
      why: "pods run below the lab's own control group, beside the machine's work",
    },
    { setting: "failCgroupV1", lab: false, why: "the machine may have control groups v1" },
    { setting: "oomScoreAdj", lab: 0, why: "the machine may withhold the right to lower it" },
    {
      setting: "makeIPTablesUtilChains",
      lab: false,
      why: "kube-proxy uses nftables, and the machine may have no iptables",
    },
    {
      setting: "imageMinimumGCAge",
      lab: "8760h",
      why: "no image could be fetched again; Debian's containerd 1.6.20 knows no pinned images (1.6.22 does)",
    },
  ];
}

/** The differences in the form of a configuration file. */
export function asConfiguration(differences: readonly Difference[]): Record<string, unknown> {
  const configuration: Record<string, unknown> = {};
  for (const { setting, lab } of differences) {
    const path = setting.split(".");
    const last = path.pop() ?? "";
    let place = configuration;
    for (const key of path) place = (place[key] ??= {}) as Record<string, unknown>;
    place[last] = lab;
  }
  return configuration;
}
