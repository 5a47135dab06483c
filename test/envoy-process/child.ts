import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Kills a process, if it still runs, and waits until it has ended. */
export async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** A server program that runs until it is stopped. */
export class Child {
  readonly #process: ChildProcess;
  #errors = "";

  /** Starts a program. Its output is dropped, except for the end of its stderr. */
  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = process.env, cwd?: string) {
    const [program = "", ...args] = argv;
    this.#process = spawn(program, args, {
      env,
      cwd,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process.stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Waits until `ask` succeeds. Fails if the program ends before, or after three minutes. */
  async ready(name: string, ask: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 180_000;
    while (!(await ask().catch(() => false))) {
      if (this.#process.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${name} did not become ready:\n${this.#errors}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    // Not ended gently, because a gateway that drains would wait for streams that have no reader any more.
    await kill(this.#process);
  }
}
