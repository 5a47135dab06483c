import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Progress } from "../progress.ts";

/** The machine's programs that the lab uses, each with its Debian package. */
const PACKAGES: Readonly<Record<string, string>> = {
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
  nft: "nftables",
  mmdebstrap: "mmdebstrap",
  setcap: "libcap2-bin",
  tini: "tini",
  ip: "iproute2",
  mount: "mount",
  "mkfs.ext4": "e2fsprogs",
  nsenter: "util-linux",
  openssl: "openssl",
  // The credential provider needs both on the node.
  curl: "curl",
  jq: "jq",
  "docker-registry": "docker-registry",
  python3: "python3",
  pip3: "python3-pip",
  git: "git",
  // The server is in it too: under the name `redis-server`, this program is Redis.
  "redis-check-rdb": "redis-tools",
  // Signs the stand-in for Google's package repository.
  gpg: "gnupg",
  shellcheck: "shellcheck",
};

const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const START_POLICY = "/usr/sbin/policy-rc.d";
// 101: the action is forbidden by policy.
const NO_STARTS = "#!/bin/sh\nexit 101\n";

/** Rejects a machine on which the lab cannot run. The error names all problems. */
export function checkMachine(
  machine: { platform: string; uid: number | undefined } = {
    platform: process.platform,
    uid: process.getuid?.(),
  },
): void {
  if (machine.platform !== "linux")
    throw new Error(
      `The lab runs on Linux only (this is ${machine.platform}): use a Linux machine, or your own cluster with --kubeconfig`,
    );
  if (machine.uid !== 0)
    throw new Error(
      "The lab creates namespaces, mounts and firewall rules, so it needs root: run the command with sudo -E",
    );
}

/** The packages whose programs are missing, sorted. */
export function missingPackages(has: (program: string) => boolean = isInstalled): string[] {
  const missing = Object.entries(PACKAGES).filter(([program]) => !has(program));
  return [...new Set(missing.map(([, name]) => name))].sort();
}

/** Installs the Debian packages that the lab needs and that are missing on the machine. */
export async function installPackages(progress: Progress): Promise<void> {
  const packages = missingPackages();
  if (packages.length === 0) return;
  if (!isInstalled("apt-get"))
    throw new Error(
      `The lab needs ${packages.join(", ")} but there is no apt-get to install them: install them yourself, or use Debian 12`,
    );
  await progress.step(`Installing ${packages.join(", ")}`, async (status) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const aptGet = async (...args: string[]) => {
      status(`apt-get ${args[0] ?? ""}`);
      await promisify(execFile)("apt-get", ["-qq", ...args], { env, maxBuffer: 1 << 26 });
    };
    await aptGet("update");
    await withoutServices(() => aptGet("install", "--yes", "--no-install-recommends", ...packages));
  });
}

/** The lab starts its own containerd, so the package must not start one on the machine. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  // An existing policy of the machine is kept. One like ours was left by an installation that was killed.
  if (existsSync(START_POLICY) && (await readFile(START_POLICY, "utf8")) !== NO_STARTS)
    return work();
  await writeFile(START_POLICY, NO_STARTS, { mode: 0o755 });
  try {
    await work();
  } finally {
    await rm(START_POLICY, { force: true });
  }
}

function isInstalled(program: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_FOLDERS];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
