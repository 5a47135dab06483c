import { parseArgs, type ParseArgsConfig } from "node:util";

/** Something that cannot be done as asked: one line that names the thing and the fix. */
export class BadInput extends Error {}

/** A command line that cannot be understood: the usage is shown with it. */
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
  /** Told of Ctrl-C, which then aborts the command's signal; where it is left out, Ctrl-C ends the process. */
  readonly onInterrupt?: (signal: NodeJS.Signals) => void;
}

/**
 * Runs an npm command to its exit code: its own, 2 for {@link BadInput}, 130 when interrupted, 1 for whatever else
 * goes wrong, which is told in one line and without a stack trace.
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
