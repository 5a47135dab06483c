import { readArguments, UsageError } from "../../../cli/command-line.ts";
import { stackOptions } from "../../lab/stack-options.ts";

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
  return { ...stackOptions(stack, kubeconfig), json };
}
