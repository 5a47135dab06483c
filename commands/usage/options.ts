import { readArguments, UsageError } from "../../cli/command-line.ts";
import { stackOptions } from "../../test/lab/stack-options.ts";

/** The options of `npm run usage`. */
export interface Options {
  readonly stack: string;
  /** Files to write in addition to the table on the terminal. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly kubeconfig: string | undefined;
}

export const USAGE = `npm run usage -- --stack STACK [OPTIONS]   show what each agent spent, and what is left of the budgets

  --json FILE         write the figures as JSON
  --html FILE         write them as one self-contained page with a chart
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed`;

const OPTIONS = {
  stack: { type: "string" },
  json: { type: "string" },
  html: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, json, html, kubeconfig } = readArguments(argv, OPTIONS);
  if (stack === undefined) throw new UsageError("--stack is missing");
  return { ...stackOptions(stack, kubeconfig), json, html };
}
