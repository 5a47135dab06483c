import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { BadInput, readArguments, UsageError } from "../../infra/command-line.ts";

/** What `npm run verify:egress` is asked to do. */
export interface Options {
  readonly stack: string;
  /** File to write the report to, beside the table on the terminal. */
  readonly json: string | undefined;
  readonly kubeconfig: string | undefined;
}

export const USAGE = `npm run verify:egress -- --stack STACK [OPTIONS]   the ways out, tried from an agent's pod

  --json FILE         write the report as JSON
  --kubeconfig FILE   the stack was made by npm run local -- --kubeconfig FILE`;

const OPTIONS = {
  stack: { type: "string" },
  json: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

/** Reads the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, json, kubeconfig } = readArguments(argv, OPTIONS);
  if (stack === undefined) throw new UsageError("--stack is missing");
  if (!/^[\w.-]+$/.test(stack)) {
    throw new BadInput(`--stack ${JSON.stringify(stack)} is no name of a stack`);
  }
  const file = kubeconfig === undefined ? undefined : resolve(kubeconfig);
  if (file !== undefined && !existsSync(file)) {
    throw new BadInput(`--kubeconfig ${file} does not exist`);
  }
  return { stack, json, kubeconfig: file };
}
