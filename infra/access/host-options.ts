import { readArguments, UsageError } from "../../cli/command-line.ts";
import { capture } from "./gcloud.ts";
import { type HostReference, hostReference } from "./host-reference.ts";
import { type FullStackName, isFullStackName } from "./stack-name.ts";

/** Reads `--stack` and the given number options. */
export function readOptions<Option extends string>(
  args: readonly string[],
  numbers: Readonly<Record<Option, number>>,
): { readonly stack: string } & Readonly<Record<Option, number>> {
  const names = Object.keys(numbers);
  const options = Object.fromEntries(
    ["stack", ...names].map((name) => [name, { type: "string" as const }]),
  );
  const values: Readonly<Record<string, unknown>> = readArguments(args, options);
  if (typeof values.stack !== "string" || values.stack === "") {
    throw new UsageError("--stack is missing: name the host stack, for example --stack host");
  }
  const read = names.map((name) => {
    const given = values[name];
    if (given === undefined) return [name, numbers[name as Option]] as const;
    const port = Number(given);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new UsageError(`--${name} is not a port: give a number from 1 to 65535`);
    }
    return [name, port] as const;
  });
  return { stack: values.stack, ...(Object.fromEntries(read) as Record<Option, number>) };
}

/** Finds the machine of a host stack through the stack's Pulumi outputs. */
export async function findHost(stack: string): Promise<HostReference> {
  const outputs = await capture("pulumi", ["stack", "output", "--json", "--stack", stack]);
  return hostReference(stack, JSON.parse(outputs) as Record<string, unknown>);
}

/** A stack's full name. Pulumi adds the organization or project if the given name has none. */
export async function findFullName(stack: string): Promise<FullStackName> {
  if (isFullStackName(stack)) return stack;
  const args = ["stack", "--show-name", "--fully-qualify-stack-names", "--stack", stack];
  const name = (await capture("pulumi", args)).trim();
  if (isFullStackName(name)) return name;
  throw new Error(
    `Pulumi calls stack "${stack}" "${name}", a name without organization and project`,
  );
}
