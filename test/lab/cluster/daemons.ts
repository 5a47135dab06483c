import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Place, runInLab } from "./command.ts";
import type { Lab } from "./lab.ts";
import { logTail } from "./logs.ts";
import { sandboxInit } from "./sandbox.ts";

/** A program that keeps running in the lab after the command that started it has ended. */
export interface Daemon extends Place {
  /** Its log file is `<name>.log`. */
  readonly name: string;
  readonly argv: readonly string[];
}

const PID_DIR = "/run/lab";
const STOP_SECONDS = 20;

// setsid becomes the daemon, so the pid is the daemon's. The sandbox's init adopts it when the shell ends.
const LAUNCHER = `pid_file=$1 log=$2; shift 2
setsid "$@" >>"$log" 2>&1 </dev/null &
echo $! >"$pid_file"`;

/** Starts a daemon as a child of the sandbox's init. On return it runs but may not be ready. */
export async function startDaemon(lab: Lab, daemon: Daemon): Promise<void> {
  await mkdir(dirname(recordFile(lab, daemon.name)), { recursive: true });
  await writeFile(recordFile(lab, daemon.name), JSON.stringify(daemon), { mode: 0o600 });
  const files = [`${PID_DIR}/${daemon.name}.pid`, join(lab.logDir, `${daemon.name}.log`)];
  await runInLab(lab, ["sh", "-c", LAUNCHER, "sh", ...files, ...daemon.argv], {
    netns: daemon.netns ?? "node",
    cwd: daemon.cwd ?? "/",
    env: {
      PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
      HOME: "/run/lab",
      TMPDIR: "/run/lab/tmp",
      ...daemon.env,
    },
  });
}

/** Starts a daemon that was stopped or that died, with the same command as before. */
export async function startAgain(lab: Lab, name: string): Promise<void> {
  await startDaemon(lab, JSON.parse(await readFile(recordFile(lab, name), "utf8")) as Daemon);
}

/** Ends a daemon, with SIGTERM first, and waits until it is gone. */
export async function stopDaemon(
  lab: Lab,
  name: string,
  graceSeconds = STOP_SECONDS,
): Promise<void> {
  const pid = daemonPid(lab, name);
  if (pid === undefined) return;
  const deadline = Date.now() + graceSeconds * 1000;
  await runInLab(lab, ["kill", "-TERM", String(pid)]).catch(() => undefined);
  while (daemonPid(lab, name) !== undefined && Date.now() < deadline) await sleep(50);
  await runInLab(lab, ["kill", "-KILL", String(pid)]).catch(() => undefined);
  while (daemonPid(lab, name) !== undefined) await sleep(50);
  await runInLab(lab, ["rm", "-f", `${PID_DIR}/${name}.pid`]);
}

/** The daemon's pid in the sandbox; undefined if it does not run. */
export function daemonPid(lab: Lab, name: string): number | undefined {
  const root = sandboxRoot(lab);
  if (root === undefined) return undefined;
  const file = join(root, PID_DIR, `${name}.pid`);
  if (!existsSync(file)) return undefined;
  const pid = readFileSync(file, "utf8").trim();
  return pid !== "" && existsSync(join(root, "proc", pid)) ? Number(pid) : undefined;
}

/**
 * Waits for `work`, during which the named daemons must keep running; the first one is the one to wait for. If a daemon
 * dies or time is up, throws an error with the last lines of its log.
 */
export async function whileAlive<T>(
  lab: Lab,
  names: readonly [string, ...string[]],
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const watch = new AbortController();
  const deadline = Date.now() + seconds * 1000;
  const guard = async (): Promise<never> => {
    for (;;) {
      await sleep(250, undefined, { signal: watch.signal });
      const dead = names.find((name) => daemonPid(lab, name) === undefined);
      if (dead !== undefined) throw new Error(`${dead} ended unexpectedly. ${logTail(lab, dead)}`);
      if (Date.now() > deadline)
        throw new Error(`${names[0]} was not ready in ${seconds} s. ${logTail(lab, names[0])}`);
    }
  };
  try {
    return await Promise.race([work(watch.signal), guard()]);
  } finally {
    watch.abort();
  }
}

function recordFile(lab: Lab, name: string): string {
  return join(lab.dir, "daemons", `${name}.json`);
}

/** The sandbox's root folder, seen from outside. */
function sandboxRoot(lab: Lab): string | undefined {
  const init = sandboxInit(lab);
  return init === undefined ? undefined : `/proc/${init}/root`;
}
