import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { Lab } from "./lab.ts";
import { enterCommand, runningSandbox } from "./sandbox.ts";

/** Where and how a command runs in the lab. */
export interface Place {
  /** Network namespace: the cluster node's (default), or the one that simulates the internet. */
  readonly netns?: "node" | "internet";
  /** Default: this process's. */
  readonly cwd?: string;
  /** The whole environment. Default: this process's environment without proxy settings. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The input of a command, and what may end it early. */
export interface Run extends Place {
  /** Its stdin. Default: empty. */
  readonly input?: string | AsyncIterable<Buffer>;
  /** Kills the command when aborted. */
  readonly signal?: AbortSignal;
}

/** A command exited with a code other than 0. */
export class CommandFailed extends Error {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  constructor(
    argv: readonly string[],
    ended: { exitCode: number | null; stdout: string; stderr: string },
  ) {
    const how = ended.exitCode === null ? "was killed" : `exited with code ${ended.exitCode}`;
    super(`${argv.join(" ")} ${how}:\n${ended.stderr.trimEnd()}`);
    this.exitCode = ended.exitCode;
    this.stdout = ended.stdout;
    this.stderr = ended.stderr;
  }
}

/**
 * Starts a command inside the lab. The returned process is an nsenter, which does not pass on signals. To stop the command,
 * start it `detached` and kill its process group.
 */
export function spawnInLab(
  lab: Lab,
  argv: readonly string[],
  options: Place & { readonly stdio?: StdioOptions; readonly detached?: boolean } = {},
): ChildProcess {
  const place = { netns: options.netns ?? "node", cwd: options.cwd ?? process.cwd() };
  const [command, ...rest] = enterCommand(runningSandbox(lab), argv, place);
  return spawn(command, rest, {
    env: options.env ?? withoutProxies(process.env),
    stdio: options.stdio ?? "inherit",
    detached: options.detached ?? false,
  });
}

/** Runs a command inside the lab and returns its output. */
export async function runInLab(
  lab: Lab,
  argv: readonly string[],
  options: Run = {},
): Promise<{ stdout: string; stderr: string }> {
  options.signal?.throwIfAborted();
  const child = spawnInLab(lab, argv, { ...options, stdio: "pipe", detached: true });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null)
    throw new Error("the process has no pipes");
  const kill = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  options.signal?.addEventListener("abort", kill);
  try {
    const ended = new Promise<number | null>((resolve, reject) =>
      child.on("error", reject).on("close", resolve),
    );
    // A command that ends before it has read its input reports the reason itself.
    const fed = pipeline(options.input ?? "", stdin).catch((error: unknown) => error);
    const [out, err, exitCode] = await Promise.all([text(stdout), text(stderr), ended]);
    if (exitCode !== 0) throw new CommandFailed(argv, { exitCode, stdout: out, stderr: err });
    const unread = await fed;
    if (unread instanceof Error && options.input !== undefined) throw unread;
    return { stdout: out, stderr: err };
  } finally {
    options.signal?.removeEventListener("abort", kill);
  }
}

/** The environment without the machine's proxies, which cannot be reached from inside the lab. */
export function withoutProxies(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/_proxy$/i.test(name)));
}
