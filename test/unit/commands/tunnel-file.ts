import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { k3sKubeconfigText } from "../../end-to-end/story/k3s-kubeconfig.ts";

const base64 = (pem: string): string => Buffer.from(pem).toString("base64");

/** A kubeconfig in k3s's form for an administrator, with a self-signed certificate that is valid for a year. */
export function k3sKubeconfig(server = "https://127.0.0.1:6443"): string {
  const openssl = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const out = ["-nodes", "-keyout", "-", "-subj", "/CN=admin", "-days", "365"];
  const pem = execFileSync("openssl", [...openssl, ...out], {
    stdio: ["ignore", "pipe", "ignore"],
  }).toString();
  const start = pem.indexOf("-----BEGIN CERTIFICATE");
  const [key, certificate] = [pem.slice(0, start), pem.slice(start)];
  return k3sKubeconfigText({
    server,
    authority: base64(certificate),
    certificate: base64(certificate),
    key: base64(key),
  });
}

/** Writes the file that `npm run tunnel` writes for host stack `organization/claude-gateway/host`. Returns its path. */
export function writeTunnelFile(home: string, stack = "organization/claude-gateway/host"): string {
  const file = join(home, `.kube/claude-gateway/${stack}.yaml`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, k3sKubeconfig());
  return file;
}
