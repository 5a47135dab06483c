import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { sandboxCgroup } from "./cgroups.ts";
import type { Lab } from "./lab.ts";

/** Host name inside the sandbox; also the node's name in the cluster. */
export const NODE_NAME = "lab";

/** Pid of the sandbox's init; undefined if there is none. When it ends, all processes inside end. */
export function sandboxInit(lab: Lab): number | undefined {
  const pids = readIfThere(join(sandboxCgroup(lab), "cgroup.procs")) ?? "";
  // The init's children are in the same cgroup. Only the init has pid 1 inside.
  return pids.split("\n").map(Number).find(isNamespaceInit);
}

/** Pid of the init. Throws if the lab does not run. */
export function runningSandbox(lab: Lab): number {
  const init = sandboxInit(lab);
  if (init === undefined)
    throw new Error(`The lab of ${lab.cloneDir} is not running. Start it: npm run local`);
  return init;
}

/** Starts the sandbox: process, mount, network, IPC and UTS namespaces that outlive this command. */
export async function startSandbox(lab: Lab): Promise<void> {
  const namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"];
  const script = ["sh", join(import.meta.dirname, "sandbox-init.sh")];
  const values = [lab.dir, sandboxCgroup(lab), NODE_NAME];
  const unshare = spawn("unshare", [...namespaces, ...script, ...values], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    cwd: "/",
  });
  let complaints = "";
  unshare.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    createInterface(unshare.stdout).once("line", () => {
      resolve();
    });
    unshare.on("error", reject);
    unshare.on("close", () => {
      reject(new Error(`The lab's sandbox did not start:\n${complaints.trimEnd()}`));
    });
  });
  for (const pipe of [unshare.stdout, unshare.stderr]) pipe.destroy();
  unshare.unref();
}

/** Kills the sandbox and waits until its last process has ended. */
export async function killSandbox(lab: Lab): Promise<void> {
  const init = sandboxInit(lab);
  if (init === undefined) return;
  process.kill(init, "SIGKILL");
  // The kernel ends an init only after all other processes in its pid namespace.
  while (isNamespaceInit(init)) await sleep(20);
}

/** The command line that runs `argv` inside the sandbox whose init is `pid`. */
export function enterCommand(
  pid: number,
  argv: readonly string[],
  place: { readonly netns: "node" | "internet"; readonly cwd: string },
): [string, ...string[]] {
  return [
    "nsenter",
    `--target=${pid}`,
    ...["--mount", "--pid", "--net", "--ipc", "--uts", `--wdns=${place.cwd}`, "--"],
    ...(place.netns === "internet" ? ["nsenter", "--net=/run/netns/internet", "--"] : []),
    ...argv,
  ];
}

/** Whether a text from `/proc/<pid>/status` belongs to a living first process of a pid namespace. */
export function describesNamespaceInit(status: string): boolean {
  return /^NSpid:(\t\d+)+\t1$/m.test(status) && !/^State:\t[ZX]/m.test(status);
}

function isNamespaceInit(pid: number): boolean {
  return describesNamespaceInit(readIfThere(`/proc/${pid}/status`) ?? "");
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
