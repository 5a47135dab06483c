import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Options for running a command. */
export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The command's stdin. Default: empty. */
  readonly input?: AsyncIterable<Buffer>;
}

const ERROR_LINES = 20;

/** Runs a command and returns its stdout. If it fails, the error contains the end of its stderr. */
export async function command(
  name: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const child = spawn(name, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: [options.input ? "pipe" : "ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const tail = stderr.trimEnd().split("\n").slice(-ERROR_LINES).join("\n");
      if (code === 0) resolve(stdout);
      else reject(new Error(`${name} ${args.join(" ")}: exited with ${signal ?? code}\n${tail}`));
    });
  });
  if (options.input && child.stdin) {
    const fed = pipeline(Readable.from(options.input), child.stdin);
    // A command that ends before it has read its input reports the reason itself.
    await Promise.allSettled([fed, ended]).then(async ([feeding]) => {
      await ended;
      if (feeding.status === "rejected") throw feeding.reason;
    });
  }
  return ended;
}
