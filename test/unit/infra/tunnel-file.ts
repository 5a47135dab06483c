import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes what `npm run tunnel` leaves in a home for host stack `host`, with a certificate of a year; returns the path. */
export function writeTunnelFile(home: string): string {
  const openssl = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  const out = ["-nodes", "-keyout", "/dev/null", "-subj", "/CN=admin", "-days", "365"];
  const pem = execFileSync("openssl", [...openssl, ...out], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  mkdirSync(join(home, ".kube"), { recursive: true });
  const file = join(home, ".kube/claude-gateway-host.yaml");
  writeFileSync(file, `users:\n- user:\n    client-certificate-data: ${pem.toString("base64")}\n`);
  return file;
}
