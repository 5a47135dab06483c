import { spawn } from "node:child_process";
import { pipeline } from "node:stream/promises";

/** How long an interrupted Pulumi may take to stop its operations and to write its state. */
const INTERRUPT_GRACE_MS = 60_000;
/** `flock`'s exit code if another process holds the lock. */
export const LOCKED_EXIT_CODE = 75;

/** Signals that end this process in a terminal. The command has its own process group and would not receive them. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A command's output and exit code. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of a command. */
export interface Invocation {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Receives the output as it arrives. */
  readonly onOutput?: ((text: string) => void) | undefined;
  readonly input?: string | AsyncIterable<Buffer> | undefined;
}

/**
 * Runs a command until its output ends. Aborting the signal, or interrupting this process, interrupts the command like
 * Ctrl-C: Pulumi cancels its operations and saves what it has done. If that takes too long, a second interrupt follows,
 * and then a kill.
 */
export async function run(invocation: Invocation): Promise<Ended> {
  invocation.signal?.throwIfAborted();
  const [command, ...rest] = invocation.argv;
  const child = spawn(command, rest, {
    cwd: invocation.cwd,
    env: invocation.env,
    stdio: "pipe",
    // Its own process group: Ctrl-C in a terminal reaches only this process, which then interrupts the command once.
    detached: true,
  });
  // A command that ends before it has read its input reports the reason itself.
  void pipeline(invocation.input ?? "", child.stdin).catch(() => undefined);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      invocation.onOutput?.(text);
    });
  }
  const timers: NodeJS.Timeout[] = [];
  const send = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The whole group has ended.
    }
  };
  const interrupt = (): void => {
    if (timers.length > 0) return;
    send("SIGINT");
    timers.push(setTimeout(send, INTERRUPT_GRACE_MS, "SIGINT"));
    timers.push(setTimeout(send, INTERRUPT_GRACE_MS + 10_000, "SIGKILL"));
  };
  invocation.signal?.addEventListener("abort", interrupt);
  for (const signal of FORWARDED) process.on(signal, interrupt);
  try {
    // Wait for the end of the output, not for the first process: after an interrupt a wrapper ends before Pulumi does.
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject).on("close", resolve);
    });
    return { exitCode, ...output };
  } finally {
    timers.forEach(clearTimeout);
    invocation.signal?.removeEventListener("abort", interrupt);
    for (const signal of FORWARDED) process.off(signal, interrupt);
  }
}
