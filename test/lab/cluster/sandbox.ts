import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";
import { type ProcessIdentity, identify, isAlive } from "./process.ts";

/** Host name inside the sandbox, and the node's name in the cluster. */
export const NODE_NAME = "lab";

/** The init of the lab's sandbox; undefined if there is none. When it ends, so does all that is inside. */
export function sandboxInit(lab: Lab): ProcessIdentity | undefined {
  if (!existsSync(recordFile(lab))) return undefined;
  const identity = JSON.parse(readFileSync(recordFile(lab), "utf8")) as ProcessIdentity;
  return isAlive(identity) ? identity : undefined;
}

/** The init of a lab that must be running. */
export function runningSandbox(lab: Lab): ProcessIdentity {
  const init = sandboxInit(lab);
  if (init === undefined)
    throw new Error(`The lab of ${lab.cloneDir} does not run: start it with npm run local`);
  return init;
}

/** Starts the sandbox: process, mount, network, IPC and host name namespaces that outlive this command. */
export async function startSandbox(lab: Lab): Promise<void> {
  const namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"];
  const script = join(import.meta.dirname, "sandbox-init.sh");
  const unshare = spawn("unshare", [...namespaces, "sh", script, lab.dir, NODE_NAME], {
    stdio: "pipe",
    detached: true,
    cwd: "/",
  });
  let complaints = "";
  unshare.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const failed = new Promise<never>((_, reject) => {
    unshare.on("error", reject);
    unshare.on("close", () => {
      reject(new Error(`The lab's sandbox did not start:\n${complaints.trimEnd()}`));
    });
  });
  const said = createInterface(unshare.stdout)[Symbol.asyncIterator]();
  const hears = async () => String((await Promise.race([said.next(), failed])).value);

  const identity = identify(Number(await hears()));
  if (identity === undefined) await failed;
  writeFileSync(`${recordFile(lab)}.new`, JSON.stringify(identity));
  renameSync(`${recordFile(lab)}.new`, recordFile(lab));
  unshare.stdin.write("go\n");
  if ((await hears()) !== "ready") await failed;

  failed.catch(() => undefined);
  for (const pipe of [unshare.stdin, unshare.stdout, unshare.stderr]) pipe.destroy();
  unshare.unref();
}

/** Kills the sandbox and waits until its last process is gone. */
export async function killSandbox(lab: Lab): Promise<void> {
  const init = sandboxInit(lab);
  if (init === undefined) return;
  process.kill(init.pid, "SIGKILL");
  // The kernel ends an init only after everything else in its process namespace.
  while (isAlive(init)) await sleep(20);
}

/** The command line that runs `argv` inside the sandbox. */
export function enterCommand(
  init: Pick<ProcessIdentity, "pid">,
  argv: readonly string[],
  place: { readonly netns: "node" | "internet"; readonly cwd: string },
): [string, ...string[]] {
  return [
    "nsenter",
    `--target=${init.pid}`,
    ...["--mount", "--pid", "--net", "--ipc", "--uts", `--wdns=${place.cwd}`, "--"],
    ...(place.netns === "internet" ? ["nsenter", "--net=/run/netns/internet", "--"] : []),
    ...argv,
  ];
}

function recordFile(lab: Lab): string {
  return join(lab.dir, "sandbox.json");
}
