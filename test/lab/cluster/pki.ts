import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type KeyPair,
  type Subject,
  base64OfFile,
  createAuthority,
  issueCertificate,
} from "../parts/certificates.ts";
import type { Lab } from "./lab.ts";
import { API_PORT, CLUSTER_DOMAIN, NODE } from "./network.ts";
import { NODE_NAME } from "./sandbox.ts";

/** Folder of the cluster's keys and certificates. */
export function pkiDir(lab: Lab): string {
  return join(lab.dir, "pki");
}

/** Folder of the components' kubeconfigs, named `<user>.kubeconfig`. */
export function kubeconfigDir(lab: Lab): string {
  return join(lab.dir, "kubeconfigs");
}

const CERTIFICATES: Readonly<Record<string, Subject>> = {
  apiserver: {
    commonName: "kube-apiserver",
    names: [
      ...["kubernetes", "kubernetes.default", "kubernetes.default.svc"],
      ...[`kubernetes.default.svc.${CLUSTER_DOMAIN}`, "localhost", NODE_NAME],
      ...["127.0.0.1", "::1", "10.43.0.1", "fd43::1", NODE.v4, NODE.v6],
    ],
  },
  kubelet: { commonName: `system:node:${NODE_NAME}`, names: [NODE_NAME, NODE.v4, NODE.v6] },
  "apiserver-kubelet-client": { commonName: "kube-apiserver", organisation: "system:masters" },
  "front-proxy-client": { commonName: "front-proxy-client" },
};

const USERS: Readonly<Record<string, Subject>> = {
  admin: { commonName: "admin", organisation: "system:masters" },
  "kube-controller-manager": { commonName: "system:kube-controller-manager" },
  "kube-scheduler": { commonName: "system:kube-scheduler" },
  kubelet: { commonName: `system:node:${NODE_NAME}`, organisation: "system:nodes" },
  "kube-proxy": { commonName: "system:kube-proxy" },
};

/** Creates all keys, certificates and kubeconfigs of a new cluster. */
export async function createPki(lab: Lab): Promise<void> {
  const dir = pkiDir(lab);
  await mkdir(kubeconfigDir(lab), { recursive: true, mode: 0o700 });
  const authority = await createAuthority(dir, "ca", "claude-gateway lab cluster");
  const frontProxy = createAuthority(dir, "front-proxy-ca", "claude-gateway lab front proxy");
  await Promise.all([
    serviceAccountKeys(dir),
    ...Object.entries(CERTIFICATES).map(async ([name, subject]) =>
      issueCertificate(
        name === "front-proxy-client" ? await frontProxy : authority,
        dir,
        name,
        subject,
      ),
    ),
    ...Object.entries(USERS).map(async ([user, subject]) => {
      const pair = await issueCertificate(authority, dir, `user-${user}`, subject);
      const text = await renderKubeconfig(user, authority, pair);
      const file =
        user === "admin" ? lab.kubeconfig : join(kubeconfigDir(lab), `${user}.kubeconfig`);
      await writeFile(file, text, { mode: 0o600 });
    }),
  ]);
}

async function renderKubeconfig(user: string, authority: KeyPair, pair: KeyPair): Promise<string> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "lab",
    contexts: [{ name: "lab", context: { cluster: "lab", user } }],
    clusters: [
      {
        name: "lab",
        cluster: {
          server: `https://127.0.0.1:${API_PORT}`,
          "certificate-authority-data": await base64OfFile(authority.certFile),
        },
      },
    ],
    users: [
      {
        name: user,
        user: {
          "client-certificate-data": await base64OfFile(pair.certFile),
          "client-key-data": await base64OfFile(pair.keyFile),
        },
      },
    ],
  };
  // JSON is valid YAML, and nobody edits this file.
  return JSON.stringify(config, null, 2) + "\n";
}

/** The key pair that signs service account tokens. */
async function serviceAccountKeys(dir: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await Promise.all([
    writeFile(
      join(dir, "service-account.key"),
      privateKey.export({ type: "sec1", format: "pem" }),
      { mode: 0o600 },
    ),
    writeFile(join(dir, "service-account.pub"), publicKey.export({ type: "spki", format: "pem" })),
  ]);
}
