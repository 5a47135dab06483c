import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { expect, test } from "vitest";
import { agentEnvironment } from "../../../../components/agents/environment.ts";
import { gateFiles } from "../../../../components/egress/gate/gate.ts";

test("the gate writes the authority alone, and with the public ones of its Node", () => {
  const dir = mkdtempSync(join(tmpdir(), "trust-"));
  try {
    mkdirSync(join(dir, "trust"));
    // Any certificate will do.
    const authority = tls.rootCertificates[0] ?? "";
    for (const [name, text] of Object.entries(gateFiles(authority)))
      writeFileSync(join(dir, name), text);
    execFileSync(process.execPath, [join(dir, "trust.mjs")], {
      env: { TRUST_DIR: join(dir, "trust") },
    });
    expect(readdirSync(join(dir, "trust")).sort()).toEqual(["authority.pem", "bundle.pem"]);
    expect(readFileSync(join(dir, "trust/authority.pem"), "utf8")).toBe(`${authority}\n`);
    const bundle = readFileSync(join(dir, "trust/bundle.pem"), "utf8");
    expect(bundle.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(
      tls.rootCertificates.length + 1,
    );
    expect(bundle.endsWith(`${authority}\n`)).toBe(true);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("without inspected hosts nothing is there to trust", () => {
  expect(Object.keys(gateFiles())).toEqual(["gate.mjs"]);
  const names = (trust: boolean) =>
    agentEnvironment({ baseUrl: "http://gateway", trust }).map(({ name }) => name);
  expect(names(true).filter((name) => !names(false).includes(name))).toEqual([
    "NODE_EXTRA_CA_CERTS",
    "DENO_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CURL_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "AWS_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  ]);
});
