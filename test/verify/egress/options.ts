import { readArguments, UsageError } from "../../../cli/command-line.ts";
import { stackOptions } from "../../lab/stack-options.ts";

/** The options of `npm run verify:egress`. */
export interface Options {
  readonly stack: string;
  /** File to write the report to, in addition to the table on the terminal. */
  readonly json: string | undefined;
  readonly kubeconfig: string | undefined;
}

export const USAGE = `npm run verify:egress -- --stack STACK [OPTIONS]   try every way out of an agent's pod

  --json FILE         write the report as JSON
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed`;

const OPTIONS = {
  stack: { type: "string" },
  json: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, json, kubeconfig } = readArguments(argv, OPTIONS);
  if (stack === undefined) throw new UsageError("--stack is missing");
  return { ...stackOptions(stack, kubeconfig), json };
}
