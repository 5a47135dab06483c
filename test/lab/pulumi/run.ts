import { spawn } from "node:child_process";
import { pipeline } from "node:stream/promises";

/** How long an interrupted Pulumi may take to stop its operations and write its state. */
const INTERRUPT_GRACE_MS = 60_000;
/** `flock`'s exit code for "somebody else holds the lock". */
export const LOCKED_EXIT_CODE = 75;

/** What ends this process in a terminal; the command, in a group of its own, would not notice. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a command wrote, and how it ended. */
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
  /** Receives the output as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
  readonly input?: string | AsyncIterable<Buffer> | undefined;
}

/**
 * Runs a command to the end of its output. Aborting the signal, or interrupting this process, interrupts it as Ctrl-C does, which makes Pulumi
 * cancel what it is doing and save what it has done; a second interrupt, then a kill, follow if that takes too long.
 */
export async function run(invocation: Invocation): Promise<Ended> {
  invocation.signal?.throwIfAborted();
  const [command, ...rest] = invocation.argv;
  const child = spawn(command, rest, {
    cwd: invocation.cwd,
    env: invocation.env,
    stdio: "pipe",
    // A group of its own: Ctrl-C in a terminal reaches this process alone, which then interrupts once, in order.
    detached: true,
  });
  // A command that ends before it has read everything says why itself.
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
    // The end of the output counts, not that of the first process: a wrapper dies of the interrupt before Pulumi does.
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
