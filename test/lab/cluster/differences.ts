import { join } from "node:path";
import type { Lab } from "./lab.ts";
import { pkiDir } from "./pki.ts";

/** A setting of the host that the lab cannot have. */
export interface Difference {
  /** Path of the field in the kubelet's configuration. */
  readonly setting: string;
  /** The lab's value. */
  readonly lab: unknown;
  readonly why: string;
}

/** The socket of containerd, inside the sandbox. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

/**
 * All differences between the lab's kubelet configuration and the host's. Everything else, including all settings of the
 * API server and the controller manager in infra/machine/node-settings.ts, is the same; a test compares them. Of k3s's own
 * options the lab lacks one: `secrets-encryption`, because its etcd is deleted with the lab and contains no real secrets.
 */
export function kubeletDifferences(lab: Lab): readonly Difference[] {
  const pki = pkiDir(lab);
  const ownPlace = "the lab has its files in its own folder";
  return [
    { setting: "authentication.x509.clientCAFile", lab: `${pki}/ca.pem`, why: ownPlace },
    { setting: "tlsCertFile", lab: `${pki}/kubelet.pem`, why: ownPlace },
    { setting: "tlsPrivateKeyFile", lab: `${pki}/kubelet.key`, why: ownPlace },
    { setting: "resolvConf", lab: join(lab.dir, "resolv.conf"), why: ownPlace },
    {
      setting: "staticPodPath",
      lab: "",
      why: "kubectl deploys cluster DNS, so there are no static pods",
    },
    {
      setting: "volumePluginDir",
      lab: "/var/lib/kubelet/volume-plugins",
      why: "the default is in /usr, which belongs to the machine",
    },
    {
      setting: "containerRuntimeEndpoint",
      lab: `unix://${CONTAINERD_SOCKET}`,
      why: "containerd is from Debian",
    },
    { setting: "cgroupDriver", lab: "cgroupfs", why: "there is no systemd in the sandbox" },
    {
      setting: "cgroupRoot",
      lab: `/${lab.cgroup}`,
      why: "pods run below the lab's own cgroup, next to the machine's own processes",
    },
    { setting: "failCgroupV1", lab: false, why: "the machine may have cgroup v1" },
    { setting: "oomScoreAdj", lab: 0, why: "the machine may not allow lowering it" },
    {
      setting: "makeIPTablesUtilChains",
      lab: false,
      why: "kube-proxy uses nftables, and the machine may have no iptables",
    },
    {
      setting: "imageMinimumGCAge",
      lab: "8760h",
      why: "a removed image could not be pulled again, and Debian's containerd 1.6.20 cannot pin images (1.6.22 can)",
    },
    ...["kubeReserved.cpu", "systemReserved.cpu"].map((setting) => ({
      setting,
      lab: "0",
      why: "the tests of the verdict have three stacks at a time, which request 1.8 of the machine's two CPUs",
    })),
    {
      setting: "shutdownGracePeriodByPodPriority",
      lab: [],
      why: "the kubelet would change when and how the machine itself shuts down",
    },
  ];
}

/** The differences as a configuration file. */
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
