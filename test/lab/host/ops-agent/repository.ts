/**
 * Replaces Google's package repository, which the lab cannot reach: the suite `google-cloud-ops-agent-trixie-all` of
 * packages.cloud.google.com with a stand-in for the Ops Agent (engine.sh). apt checks its signature as it does Google's.
 * google.ts serves the folder `apt` of the machine.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HostMachine } from "../machine.ts";

const PACKAGE = "google-cloud-ops-agent";
const SUITE = `${PACKAGE}-trixie-all`;
const KEYRING = "/usr/share/keyrings/cloud.google.asc";

/** apt's PATH for a package's scripts does not have the folder of the lab's systemctl. */
const SYSTEMCTL = "/usr/local/bin/systemctl";

const CONTROL = (version: string) => `Package: ${PACKAGE}
Version: ${version}
Architecture: all
Maintainer: the lab <lab@example.com>
Description: stand-in for Google's Ops Agent
`;

/** What the original's unit does besides its two agents. */
const UNIT = `[Service]
Type=oneshot
ExecStartPre=/opt/${PACKAGE}/libexec/google_cloud_ops_agent_engine -in /etc/${PACKAGE}/config.yaml
ExecStart=/bin/true
RemainAfterExit=yes
`;

/** Publishes a release of the Ops Agent. The machine's image does not trust the repository yet: see {@link trustGoogle}. */
export function publishOpsAgent(machine: HostMachine, release: string): void {
  const apt = join(machine.folder, "apt");
  const suite = join(apt, "dists", SUITE);
  const pool = join(apt, "pool");
  for (const folder of [pool, suite]) mkdirSync(folder, { recursive: true });
  const file = `${PACKAGE}_${release}~debian13_all.deb`;
  buildPackage(join(pool, file), `${release}~debian13`);

  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const index = `main/binary-${architecture}/Packages`;
  const deb = readFileSync(join(pool, file));
  const packages = `${CONTROL(`${release}~debian13`)}Filename: pool/${file}\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\n`;
  mkdirSync(join(suite, `main/binary-${architecture}`), { recursive: true });
  writeFileSync(join(suite, index), packages);
  writeFileSync(
    join(suite, "Release"),
    `Origin: ${SUITE}\nSuite: ${SUITE}\nCodename: ${SUITE}\nDate: ${new Date().toUTCString()}\n` +
      `Architectures: ${architecture}\nComponents: main\nSHA256:\n ${sha256(packages)} ${packages.length} ${index}\n`,
  );
  sign(apt, join(suite, "Release"), join(suite, "InRelease"));
}

/** Gives the machine the package source and the key that Google's Debian images have. */
export async function trustGoogle(machine: HostMachine): Promise<void> {
  const key = readFileSync(join(machine.folder, "apt/key.asc"), "utf8");
  const source = `deb [signed-by=${KEYRING}] https://packages.cloud.google.com/apt google-compute-engine-trixie-stable main\n`;
  const write = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod 644 "$1"';
  await machine.run(["sh", "-c", write, "sh", KEYRING], { input: key });
  const list = "/etc/apt/sources.list.d/google-cloud.list";
  await machine.run(["sh", "-c", write, "sh", list], { input: source });
}

function buildPackage(file: string, version: string): void {
  const root = mkdtempSync(join(tmpdir(), "ops-agent-"));
  const put = (path: string, content: string, mode = 0o644) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content, { mode });
  };
  put("DEBIAN/control", CONTROL(version));
  put("DEBIAN/conffiles", `/etc/${PACKAGE}/config.yaml\n`);
  put("DEBIAN/postinst", `#!/bin/sh\n${SYSTEMCTL} start ${PACKAGE}.service\n`, 0o755);
  put("DEBIAN/prerm", `#!/bin/sh\n${SYSTEMCTL} stop ${PACKAGE}.service\n`, 0o755);
  put(`etc/${PACKAGE}/config.yaml`, "{}\n");
  put(`usr/lib/systemd/system/${PACKAGE}.service`, UNIT);
  const engine = readFileSync(join(import.meta.dirname, "engine.sh"), "utf8");
  put(`opt/${PACKAGE}/libexec/google_cloud_ops_agent_engine`, engine, 0o755);
  execFileSync("chmod", ["-R", "u=rwX,go=rX", root]);
  execFileSync("dpkg-deb", ["--root-owner-group", "--build", root, file], { stdio: "ignore" });
  rmSync(root, { recursive: true });
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Signs with a key made for this repository, and leaves the public part in `key.asc`. */
function sign(apt: string, release: string, signed: string): void {
  const home = mkdtempSync(join(tmpdir(), "gpg-"));
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", home, "--batch", "--yes", "--passphrase", "", ...args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
  try {
    gpg("--quick-generate-key", "lab", "rsa3072", "sign", "never");
    gpg("--clearsign", "--output", signed, release);
    writeFileSync(join(apt, "key.asc"), gpg("--armor", "--export"));
  } finally {
    execFileSync("gpgconf", ["--homedir", home, "--kill", "all"], { stdio: "ignore" });
    rmSync(home, { recursive: true, force: true });
  }
}
