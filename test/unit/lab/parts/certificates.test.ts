import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type KeyPair,
  createAuthority,
  issueCertificate,
} from "../../../lab/parts/certificates.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "certificates-test-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function certificate(pair: KeyPair): Promise<X509Certificate> {
  return new X509Certificate(await readFile(pair.certFile));
}

test("an authority may sign, and has its name as subject", async () => {
  const authority = await certificate(await createAuthority(dir, "ca", "test authority"));
  expect(authority.ca).toBe(true);
  expect(authority.subject).toBe("CN=test authority");
  expect(authority.checkIssued(authority)).toBe(true);
});

test("a certificate is signed by its authority, has exactly its names, and cannot sign others", async () => {
  const authority = await createAuthority(dir, "ca", "test authority");
  const pair = await issueCertificate(authority, dir, "server", {
    commonName: "api",
    organisation: "team",
    names: ["api.example", "10.0.0.1", "fd00::1"],
  });
  const issued = await certificate(pair);
  expect(issued.ca).toBe(false);
  expect(issued.verify((await certificate(authority)).publicKey)).toBe(true);
  expect(issued.subject).toBe("O=team\nCN=api");
  expect(issued.subjectAltName).toBe(
    "DNS:api.example, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1",
  );
  expect(issued.checkHost("other.example")).toBeUndefined();
  expect(issued.checkPrivateKey(createPrivateKey(await readFile(pair.keyFile)))).toBe(true);
});

test("only the owner can read keys, and the folder contains no other files", async () => {
  const { keyFile } = await createAuthority(dir, "ca", "test authority");
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  expect((await readdir(dir)).sort()).toEqual(["ca.key", "ca.pem"]);
});
