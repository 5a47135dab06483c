import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

/** A certificate and its private key, as PEM files. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The subject of a certificate. */
export interface Subject {
  readonly commonName: string;
  /** Kubernetes uses organizations as groups. */
  readonly organisation?: string;
  /** Host names and IP addresses of a server with this certificate. */
  readonly names?: readonly string[];
}

const VALID_DAYS = "3650";

/** The OpenSSL configuration for one certificate. */
export function certificateConfig(subject: Subject, kind: "authority" | "leaf"): string {
  const names = (subject.names ?? []).map((name) => `${isIP(name) ? "IP" : "DNS"}:${name}`);
  return [
    "[req]",
    "prompt = no",
    "distinguished_name = name",
    "x509_extensions = extensions",
    "[name]",
    ...(subject.organisation === undefined ? [] : [`O = ${subject.organisation}`]),
    `CN = ${subject.commonName}`,
    "[extensions]",
    "subjectKeyIdentifier = hash",
    ...(kind === "authority"
      ? ["basicConstraints = critical, CA:TRUE", "keyUsage = critical, keyCertSign, cRLSign"]
      : [
          "basicConstraints = critical, CA:FALSE",
          "authorityKeyIdentifier = keyid",
          "keyUsage = critical, digitalSignature",
          "extendedKeyUsage = serverAuth, clientAuth",
        ]),
    ...(names.length === 0 ? [] : [`subjectAltName = ${names.join(", ")}`]),
    "",
  ].join("\n");
}

/** Creates a certificate authority: `<name>.pem` and `<name>.key` in `dir`. */
export async function createAuthority(
  dir: string,
  name: string,
  commonName: string,
): Promise<KeyPair> {
  return openssl(dir, name, certificateConfig({ commonName }, "authority"), []);
}

/** Issues a certificate for a server, a client or both: `<name>.pem` and `<name>.key` in `dir`. */
export async function issueCertificate(
  authority: KeyPair,
  dir: string,
  name: string,
  subject: Subject,
): Promise<KeyPair> {
  const signedBy = ["-CA", authority.certFile, "-CAkey", authority.keyFile];
  return openssl(dir, name, certificateConfig(subject, "leaf"), signedBy);
}

async function openssl(
  dir: string,
  name: string,
  config: string,
  signedBy: readonly string[],
): Promise<KeyPair> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const pair = { certFile: join(dir, `${name}.pem`), keyFile: join(dir, `${name}.key`) };
  const configFile = join(dir, `${name}.cnf`);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(configFile, config);
  await writeFile(pair.keyFile, privateKey.export({ type: "pkcs8", format: "pem" }), {
    mode: 0o600,
  });
  const output = ["-days", VALID_DAYS, "-config", configFile, "-out", pair.certFile];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-new", "-sha256", "-key", pair.keyFile],
    ...signedBy,
    ...output,
  ]);
  await rm(configFile);
  return pair;
}

/** A PEM file in base64, as in kubeconfigs and Secrets. */
export async function base64OfFile(file: string): Promise<string> {
  return (await readFile(file)).toString("base64");
}
