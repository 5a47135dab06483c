import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Place, runInLab } from "./command.ts";
import type { Lab } from "./lab.ts";
import { logTail } from "./logs.ts";
import { sandboxInit } from "./sandbox.ts";

/** A program that keeps running in the lab after the command that started it. */
export interface Daemon extends Place {
  /** Its log is `<name>.log`. */
  readonly name: string;
  readonly argv: readonly string[];
}

const PID_DIR = "/run/lab";
const STOP_SECONDS = 20;

// The pid file comes first, whole at once: a daemon that runs without one could not be stopped.
const LAUNCHER =
  `echo $$ >${PID_DIR}/"$1".new && mv ${PID_DIR}/"$1".new ${PID_DIR}/"$1".pid && ` +
  `exec >>"$2" 2>&1 </dev/null && shift 2 && exec "$@"`;

/** Starts a daemon as a child of the sandbox's init; it is running, not ready, when this returns. */
export async function startDaemon(lab: Lab, daemon: Daemon): Promise<void> {
  await mkdir(dirname(recordFile(lab, daemon.name)), { recursive: true });
  await writeFile(recordFile(lab, daemon.name), JSON.stringify(daemon), { mode: 0o600 });
  const log = join(lab.logDir, `${daemon.name}.log`);
  await runInLab(
    lab,
    ["setsid", "--fork", "sh", "-c", LAUNCHER, "sh", daemon.name, log, ...daemon.argv],
    {
      netns: daemon.netns ?? "node",
      cwd: daemon.cwd ?? "/",
      env: {
        PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
        HOME: "/run/lab",
        TMPDIR: "/run/lab/tmp",
        ...daemon.env,
      },
    },
  );
}

/** Starts a daemon that was stopped, or that died, as it was started before. */
export async function startAgain(lab: Lab, name: string): Promise<void> {
  await startDaemon(lab, JSON.parse(await readFile(recordFile(lab, name), "utf8")) as Daemon);
}

/** Ends a daemon, politely first, and waits until it is gone. */
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

/** Names of all daemons that were started and not stopped, whether or not they still run. */
export function startedDaemons(lab: Lab): string[] {
  const root = sandboxRoot(lab);
  if (root === undefined) return [];
  return readdirSync(join(root, PID_DIR))
    .filter((file) => file.endsWith(".pid"))
    .map((file) => file.slice(0, -".pid".length));
}

/**
 * Waits for `work`, which needs the daemon `name`. If any daemon dies meanwhile, or the time is up, fails
 * with the last lines of its log.
 */
export async function whileAlive<T>(
  lab: Lab,
  name: string,
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const watch = new AbortController();
  const deadline = Date.now() + seconds * 1000;
  const guard = async (): Promise<never> => {
    for (;;) {
      await sleep(250, undefined, { signal: watch.signal });
      const dead = startedDaemons(lab).find((each) => daemonPid(lab, each) === undefined);
      if (dead !== undefined) throw new Error(`${dead} ended unexpectedly. ${logTail(lab, dead)}`);
      if (Date.now() > deadline)
        throw new Error(`${name} was not ready in ${seconds} s. ${logTail(lab, name)}`);
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

/** The sandbox's root folder as it is seen from outside. */
function sandboxRoot(lab: Lab): string | undefined {
  const init = sandboxInit(lab);
  return init && `/proc/${init.pid}/root`;
}
