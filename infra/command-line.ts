import { parseArgs } from "node:util";

import { capture } from "./gcloud.ts";
import { type HostReference, hostReference } from "./host-reference.ts";

/** A command line that cannot be understood; ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Reads `--stack` and the options that take a number. */
export function readOptions<Option extends string>(
  args: readonly string[],
  numbers: Readonly<Record<Option, number>>,
): { readonly stack: string } & Readonly<Record<Option, number>> {
  const names = Object.keys(numbers);
  const options = Object.fromEntries(
    ["stack", ...names].map((name) => [name, { type: "string" as const }]),
  );
  let values: Readonly<Record<string, unknown>>;
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  if (typeof values.stack !== "string" || values.stack === "") {
    throw new UsageError("--stack is missing: name the host stack, as --stack host");
  }
  const read = names.map((name) => {
    const given = values[name];
    if (given === undefined) return [name, numbers[name as Option]] as const;
    const port = Number(given);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new UsageError(`--${name} is no port: give a number from 1 to 65535`);
    }
    return [name, port] as const;
  });
  return { stack: values.stack, ...(Object.fromEntries(read) as Record<Option, number>) };
}

/** Finds the machine of a host stack by Pulumi's outputs. */
export async function findHost(stack: string): Promise<HostReference> {
  const outputs = await capture("pulumi", ["stack", "output", "--json", "--stack", stack]);
  return hostReference(stack, JSON.parse(outputs) as Record<string, unknown>);
}

/** Runs a command to its exit code: 2 for bad input, 1 for what failed, in one line and without a stack trace. */
export async function runCommand(usage: string, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const wrongUse = error instanceof UsageError;
    process.stderr.write(wrongUse ? `${message}\n${usage}\n` : `${message}\n`);
    process.exitCode = wrongUse ? 2 : 1;
  }
}
