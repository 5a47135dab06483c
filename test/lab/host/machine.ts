import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { labCa } from "../parts/ca.ts";
import { issueCertificate } from "../parts/certificates.ts";
import type { AskedRequest, Cloud } from "./cloud.ts";
import { readRequests } from "./requests.ts";
import { hostRootfs } from "./rootfs.ts";

const HERE = import.meta.dirname;
const TSX = createRequire(import.meta.url).resolve("tsx");
const OUTSIDE = [
  "secretmanager.googleapis.com",
  "github.com",
  "release-assets.githubusercontent.com",
  "packages.cloud.google.com",
];
const CLEAN = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

/** Files that the boot disk gets when the machine is switched on. */
const NEW_FILES = "boot-files";

/** The exit code of a command and its output. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** One host: a boot disk and a data disk, which both survive reboots, and the cloud around it. */
export class HostMachine {
  readonly #dir: string;
  readonly #image: string;
  #init:
    { readonly process: ChildProcess; readonly pid: number; readonly loop: string } | undefined;

  private constructor(dir: string, image: string) {
    this.#dir = dir;
    this.#image = image;
  }

  /** Creates a host in an empty folder, with an empty data disk or one from a snapshot. It is switched off. */
  static async create(dir: string, snapshot?: string): Promise<HostMachine> {
    const machine = new HostMachine(dir, await hostRootfs());
    const upper = join(dir, NEW_FILES);
    for (const folder of ["root", "boot"]) mkdirSync(join(dir, folder));
    for (const folder of ["usr/local/bin", "etc/ssl/certs"]) {
      mkdirSync(join(upper, folder), { recursive: true });
    }
    const ca = await labCa();
    const certificates = "etc/ssl/certs/ca-certificates.crt";
    copyFileSync(join(machine.#image, certificates), join(upper, certificates));
    appendFileSync(join(upper, certificates), readFileSync(ca.certFile));
    await issueCertificate(ca, dir, "outside", { commonName: "outside", names: OUTSIDE });
    writeFileSync(
      join(upper, "etc/hosts"),
      `127.0.0.1 localhost\n${OUTSIDE.map((name) => `198.51.100.10 ${name}\n`).join("")}`,
    );
    // No mirror can be reached, and apt should notice this quickly.
    writeFileSync(join(upper, "etc/resolv.conf"), "nameserver 169.254.169.254\n");
    mkdirSync(join(upper, "etc/apt/apt.conf.d"), { recursive: true });
    writeFileSync(join(upper, "etc/apt/apt.conf.d/99lab"), 'Acquire::Retries::Delay "false";\n');
    for (const program of ["systemctl", "journalctl"]) {
      const file = join(upper, "usr/local/bin", program);
      writeFileSync(file, readFileSync(join(HERE, "systemctl.sh")), { mode: 0o755 });
    }
    emptyDisk(join(dir, "boot.img"), 1024);
    execFileSync("mkfs.ext4", ["-q", join(dir, "boot.img")]);
    const data = join(dir, "data.img");
    if (snapshot === undefined) emptyDisk(data, 96);
    else copyFileSync(snapshot, data);
    return machine;
  }

  /** Where everything of this machine is, with what the simulated internet serves. */
  get folder(): string {
    return this.#dir;
  }

  /** Sets what the cloud serves from now on. */
  set cloud(cloud: Cloud) {
    writeFileSync(join(this.#dir, "cloud.json.new"), JSON.stringify(cloud));
    renameSync(join(this.#dir, "cloud.json.new"), join(this.#dir, "cloud.json"));
  }

  get cloud(): Cloud {
    return JSON.parse(readFileSync(join(this.#dir, "cloud.json"), "utf8")) as Cloud;
  }

  /** All requests that left the machine, over all its boots. */
  get requests(): AskedRequest[] {
    return readRequests(this.#dir);
  }

  /** Creates a simulated k3s release. Returns the value of the metadata key that selects it. */
  makeRelease(version: string, behaviour: "runs" | "crashes" | "hangs" | "slow" = "runs"): string {
    const file = join(this.#dir, `k3s-${version}`);
    const text = readFileSync(join(HERE, "k3s.sh"), "utf8")
      .replace("@VERSION@", version)
      .replace("@BEHAVIOUR@", behaviour);
    writeFileSync(file, text);
    this.cloud = { ...this.cloud, releases: { ...this.cloud.releases, [version]: { file } } };
    return `${version} ${createHash("sha256").update(text).digest("hex")}`;
  }

  /** Copies the data disk while the machine runs, as a snapshot does: whatever is not written yet is missing. */
  snapshotTo(file: string): void {
    copyFileSync(join(this.#dir, "data.img"), file);
  }

  /** Writes a file to the boot disk of a machine that is switched off. */
  put(path: string, content: string): void {
    const file = join(this.#dir, NEW_FILES, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o600 });
  }

  /** Switches the machine on, and runs the startup script from its metadata to the end. */
  async boot(): Promise<Ended> {
    await this.switchOn();
    const script = "/tmp/metadata-scripts/startup-script";
    await this.run(["mkdir", "-p", "/tmp/metadata-scripts"]);
    const install = ["sh", "-c", `cat >${script} && chmod 755 ${script}`];
    await this.run(install, { input: this.cloud.attributes["startup-script"] ?? "" });
    return this.run([script]);
  }

  /** Switches the machine on without running anything in it. */
  async switchOn(): Promise<void> {
    const image = join(this.#dir, "data.img");
    const loop = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim();
    const namespaces = ["--mount", "--pid", "--net", "--fork", "--kill-child"];
    const child = spawn(
      "unshare",
      [...namespaces, join(HERE, "machine-init.sh"), this.#dir, this.#image, loop],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const pid = Number(await firstLine(child));
    this.#init = { process: child, pid, loop };
    const files = ["outside.pem", "outside.key"].map((name) => join(this.#dir, name));
    const google = spawn(
      "nsenter",
      [
        ...[
          "-t",
          String(pid),
          "-m",
          "-p",
          "-n",
          "--",
          "nsenter",
          "--net=/run/netns/internet",
          "--",
        ],
        ...[process.execPath, "--import", TSX, join(HERE, "google.ts"), this.#dir, ...files],
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await firstLine(google);
  }

  /** Cuts the power: nothing in the machine can finish its work. */
  async powerOff(): Promise<void> {
    if (this.#init === undefined) return;
    const { process: child, pid, loop } = this.#init;
    child.kill("SIGKILL");
    const attached = () =>
      execFileSync("losetup", ["--list", "--output", "BACK-FILE"], { encoding: "utf8" });
    await this.until("the machine is off", () => !existsSync(`/proc/${pid}`));
    // The loop device detaches as soon as the kernel has removed the machine's mounts.
    spawnSync("losetup", ["--detach", loop]);
    await this.until("its disks are free", () => !attached().includes(this.#dir));
    this.#init = undefined;
  }

  /** Runs a command in the machine, or in the namespace of a pod on it. */
  async run(
    argv: readonly string[],
    options: { readonly input?: string; readonly netns?: "machine" | "pod" } = {},
  ): Promise<Ended> {
    if (this.#init === undefined) throw new Error("the machine is off");
    const enter = ["-t", String(this.#init.pid), "-m", "-p", "-n", "--"];
    const netns = options.netns === "pod" ? ["nsenter", "--net=/run/netns/pod", "--"] : [];
    const command = [...enter, ...netns, "chroot", join(this.#dir, "root"), ...CLEAN, ...argv];
    const child = spawn("nsenter", command, { stdio: ["pipe", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
    }
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    // Wait for "exit", because processes that the script leaves running may keep its pipes open.
    const status = await new Promise<number | null>((resolve) => child.once("exit", resolve));
    await sleep(20);
    return { status, output };
  }

  /** Content of a file in the machine; undefined if it does not exist. */
  async read(path: string): Promise<string | undefined> {
    const { status, output } = await this.run(["cat", path]);
    return status === 0 ? output : undefined;
  }

  /** Waits until `probe` is true, for at most 30 seconds. */
  async until(what: string, probe: () => Promise<boolean> | boolean): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt++) {
      if (await probe()) return;
      await sleep(100);
    }
    throw new Error(`did not happen within 30 s: ${what}`);
  }

  /** The latest table of steps in the guest attributes: state and message, by step. */
  get steps(): Record<string, string> {
    const put = this.requests.filter(({ path }) => path.includes("/guest-attributes/")).at(-1);
    const lines = (put?.body ?? "").split("\n").filter((line) => line !== "");
    return Object.fromEntries(
      lines.map((line) => {
        const [step = "", state = "", , message = ""] = line.split("\t");
        return [step, `${state} ${message}`.trim()];
      }),
    );
  }
}

/** Takes no room outside until something is written to it. */
function emptyDisk(file: string, mib: number): void {
  writeFileSync(file, "");
  truncateSync(file, mib * 2 ** 20);
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the process has no stdin pipe");
  const lines = createInterface(child.stdout);
  const ended = new Promise<never>((_, reject) => {
    child.once("exit", (code) => {
      reject(new Error(`${child.spawnargs.join(" ")} exited with code ${String(code)}`));
    });
  });
  ended.catch(() => undefined);
  const next = (async () => String((await lines[Symbol.asyncIterator]().next()).value))();
  return await Promise.race([next, ended]);
}
