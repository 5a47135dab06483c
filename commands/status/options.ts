import { readArguments, UsageError } from "../../cli/command-line.ts";
import { stackOptions } from "../../test/lab/stack-options.ts";

/** The options of `npm run status`. */
export interface Options {
  readonly stack: string;
  /** File for the report as JSON. */
  readonly json: string | undefined;
  readonly kubeconfig: string | undefined;
}

export const USAGE = `npm run status -- --stack STACK [OPTIONS]   show how a gateway stack is, and what needs a person

  --json FILE         write it as JSON
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed

Exit code 0: nothing needs a person. 1: something does. 2: the stack was not found.`;

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
