import { join } from "node:path";
import { renderSysctls } from "../../../infra/machine/k3s-config.ts";
import { renderNodeFirewall } from "../../../infra/machine/node-firewall.ts";
import {
  type ClusterParts,
  apiServer,
  controlPlaneFiles,
  controllerManager,
  etcd,
  networkPolicies,
  scheduler,
} from "./control-plane.ts";
import type { Daemon } from "./daemons.ts";
import type { Lab } from "./lab.ts";
import { configDir, containerd, kubeProxy, kubelet, nodeConfigFiles } from "./node.ts";
import {
  cniConfig,
  internetLinks,
  masqueradeRules,
  API_PORT,
  METADATA,
  PODS,
  SERVICES,
  nodeLinks,
  resolverCorefile,
  rootZone,
} from "./network.ts";

/** The cluster's programs, by function. */
type Role =
  | "etcd"
  | "apiServer"
  | "controllerManager"
  | "scheduler"
  | "networkPolicies"
  | "containerd"
  | "kubelet"
  | "kubeProxy"
  | "resolver";

/** All programs of the cluster. */
export type Components = Readonly<Record<Role, Daemon>>;

/** The command line of each of the cluster's programs. */
export function components(lab: Lab, parts: ClusterParts): Components {
  return {
    etcd: etcd(parts),
    apiServer: apiServer(lab, parts),
    controllerManager: controllerManager(lab, parts),
    scheduler: scheduler(lab, parts),
    networkPolicies: networkPolicies(lab, parts),
    containerd: containerd(lab),
    kubelet: kubelet(lab, parts),
    kubeProxy: kubeProxy(lab, parts),
    resolver: {
      name: "resolver",
      netns: "internet",
      argv: [join(parts.coredns, "coredns"), "-conf", join(configDir(lab), "resolver.Corefile")],
    },
  };
}

/** All configuration files of the lab, by path in the lab's folder. */
export function configFiles(lab: Lab): Record<string, string> {
  const inEtc: Record<string, string> = {
    ...controlPlaneFiles(),
    ...nodeConfigFiles(lab),
    "sysctl.conf": renderSysctls(),
    "cni/10-lab.conflist": cniConfig(),
    "node.ip": nodeLinks(),
    "internet.ip": internetLinks(),
    "masquerade.nft": masqueradeRules(),
    "node-firewall.nft": renderNodeFirewall({
      podCidrs: Object.values(PODS),
      serviceCidrs: Object.values(SERVICES),
      resolvers: [METADATA],
      apiPort: API_PORT,
    }),
    "resolver.Corefile": resolverCorefile(join(configDir(lab), "root.zone")),
    "root.zone": rootZone(),
  };
  return {
    ...Object.fromEntries(Object.entries(inEtc).map(([name, text]) => [join("etc", name), text])),
    "resolv.conf": `nameserver ${METADATA}\n`,
  };
}
