import { parseArgs, type ParseArgsConfig } from "node:util";

/** A request that cannot be carried out. The message is one line that names the problem and the fix. */
export class BadInput extends Error {}

/** An invalid command line. The usage is printed with the message. */
export class UsageError extends BadInput {
  override readonly name = "UsageError";
}

/** Reads options as Node's `parseArgs` does. Throws {@link UsageError}. */
export function readArguments<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  argv: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export interface CommandOptions {
  /** Shown below a {@link UsageError}. */
  readonly usage?: string;
  /** Called on Ctrl-C before the command's signal is aborted. Default: Ctrl-C ends the process. */
  readonly onInterrupt?: (signal: NodeJS.Signals) => void;
}

/**
 * Runs an npm command and sets the exit code: the command's own result, 2 for {@link BadInput}, 130 after an
 * interrupt, 1 for any other error. Prints an error as its message, without a stack trace.
 */
export async function runCommand(
  command: (signal: AbortSignal) => Promise<number>,
  { usage, onInterrupt }: CommandOptions = {},
): Promise<void> {
  const interrupted = new AbortController();
  if (onInterrupt !== undefined) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        onInterrupt(signal);
        interrupted.abort(new Error("interrupted"));
      });
    }
  }
  try {
    process.exitCode = await command(interrupted.signal);
  } catch (error) {
    if (interrupted.signal.aborted && !(error instanceof BadInput)) {
      process.exitCode = 130;
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    const shown = error instanceof UsageError && usage !== undefined;
    process.stderr.write(shown ? `${message}\n\n${usage}\n` : `${message}\n`);
    process.exitCode = error instanceof BadInput ? 2 : 1;
  }
}
