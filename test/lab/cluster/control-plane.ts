import { join } from "node:path";
import { renderAdmissionConfig, renderAuditPolicy } from "../../../infra/machine/k3s-config.ts";
import {
  type ApiServerFiles,
  apiServerSettings,
  controllerManagerSettings,
} from "../../../infra/machine/node-settings.ts";
import type { Daemon } from "./daemons.ts";
import type { Lab } from "./lab.ts";
import { API_PORT, NODE, PODS, SERVICES } from "./network.ts";
import { kubeconfigDir, pkiDir } from "./pki.ts";

/** Folders of the programs that the cluster runs. */
export interface ClusterParts {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly coredns: string;
  readonly netpol: string;
}

const ETCD_URL = "http://127.0.0.1:2379";

/** etcd. Only the node's own processes can reach it. */
export function etcd(parts: ClusterParts): Daemon {
  const peers = "http://127.0.0.1:2380";
  return {
    name: "etcd",
    argv: [
      join(parts.etcd, "etcd"),
      "--name=lab",
      "--data-dir=/var/lib/etcd",
      `--listen-client-urls=${ETCD_URL}`,
      `--advertise-client-urls=${ETCD_URL}`,
      `--listen-peer-urls=${peers}`,
      `--initial-advertise-peer-urls=${peers}`,
      `--initial-cluster=lab=${peers}`,
      // A lab that lost power is created again, so waiting for the disk is useless.
      "--unsafe-no-fsync",
    ],
  };
}

/** Files of the API server. Its log is on the lab's disk. */
function apiServerFiles(lab: Lab): ApiServerFiles {
  return {
    admissionConfig: join(lab.dir, "etc/admission.yaml"),
    auditPolicy: join(lab.dir, "etc/audit-policy.yaml"),
    auditLog: "/var/log/audit/audit.log",
  };
}

/** The control plane's configuration files, by name; the same as the host's. */
export function controlPlaneFiles(): Record<string, string> {
  return {
    "admission.yaml": renderAdmissionConfig(),
    "audit-policy.yaml": renderAuditPolicy(),
  };
}

/** The API server, with the admission plugins and authorization modes that k3s sets. */
export function apiServer(lab: Lab, parts: ClusterParts): Daemon {
  const pki = pkiDir(lab);
  return {
    name: "kube-apiserver",
    argv: [
      join(parts.kubernetes, "kube-apiserver"),
      `--etcd-servers=${ETCD_URL}`,
      `--advertise-address=${NODE.v4}`,
      `--secure-port=${API_PORT}`,
      "--allow-privileged=true",
      "--anonymous-auth=false",
      "--authorization-mode=Node,RBAC",
      `--service-cluster-ip-range=${SERVICES.v4},${SERVICES.v6}`,
      `--client-ca-file=${pki}/ca.pem`,
      `--tls-cert-file=${pki}/apiserver.pem`,
      `--tls-private-key-file=${pki}/apiserver.key`,
      `--kubelet-certificate-authority=${pki}/ca.pem`,
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.pem`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      `--service-account-key-file=${pki}/service-account.pub`,
      `--service-account-signing-key-file=${pki}/service-account.key`,
      "--enable-aggregator-routing=true",
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.pem`,
      "--requestheader-allowed-names=front-proxy-client",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-username-headers=X-Remote-User",
      `--proxy-client-cert-file=${pki}/front-proxy-client.pem`,
      `--proxy-client-key-file=${pki}/front-proxy-client.key`,
      "--profiling=false",
      ...flags(apiServerSettings(apiServerFiles(lab))),
    ],
  };
}

export function controllerManager(lab: Lab, parts: ClusterParts): Daemon {
  const pki = pkiDir(lab);
  return {
    name: "kube-controller-manager",
    argv: [
      join(parts.kubernetes, "kube-controller-manager"),
      ...asUser(lab, "kube-controller-manager"),
      "--bind-address=127.0.0.1",
      "--use-service-account-credentials=true",
      "--allocate-node-cidrs=true",
      `--cluster-cidr=${PODS.v4},${PODS.v6}`,
      `--service-cluster-ip-range=${SERVICES.v4},${SERVICES.v6}`,
      `--cluster-signing-cert-file=${pki}/ca.pem`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      `--root-ca-file=${pki}/ca.pem`,
      `--service-account-private-key-file=${pki}/service-account.key`,
      "--leader-elect=false",
      "--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins",
      "--profiling=false",
      ...flags(controllerManagerSettings),
    ],
  };
}

export function scheduler(lab: Lab, parts: ClusterParts): Daemon {
  return {
    name: "kube-scheduler",
    argv: [
      join(parts.kubernetes, "kube-scheduler"),
      ...asUser(lab, "kube-scheduler"),
      "--bind-address=127.0.0.1",
      "--leader-elect=false",
      "--profiling=false",
    ],
  };
}

/** The NetworkPolicy controller. In k3s it is built in. */
export function networkPolicies(lab: Lab, parts: ClusterParts): Daemon {
  return {
    name: "netpol",
    argv: [
      join(parts.netpol, "netpol"),
      `--kubeconfig=${lab.kubeconfig}`,
      `--socket=${lab.netpolSocket}`,
    ],
  };
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}

/** For components that ask the API server whether a request to them is allowed. */
function asUser(lab: Lab, user: string): string[] {
  const file = join(kubeconfigDir(lab), `${user}.kubeconfig`);
  return [
    `--kubeconfig=${file}`,
    `--authentication-kubeconfig=${file}`,
    `--authorization-kubeconfig=${file}`,
  ];
}
