import { resolve } from "node:path";
import { BadInput, readArguments, UsageError } from "../../cli/command-line.ts";
import { stackOptions } from "../../test/lab/stack-options.ts";

/** The options of `npm run operator`. */
export interface Options {
  readonly stack: string;
  readonly kubeconfig: string | undefined;
  /** Name of the operator in the audit log. */
  readonly name: string;
  readonly hours: number;
  /** File for the operator's kubeconfig. */
  readonly out: string;
}

export const USAGE = `npm run operator -- --stack STACK --name NAME --out FILE [OPTIONS]   make a kubeconfig for one person who looks after the stack

  --name NAME         the person's name in the audit log, for example alice@example.com
  --out FILE          where to write the kubeconfig; the file must not exist
  --hours HOURS       how long it is good for, 1 to 720. Default 12
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed`;

const OPTIONS = {
  stack: { type: "string" },
  name: { type: "string" },
  out: { type: "string" },
  hours: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

const DEFAULT_HOURS = "12";

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, name, out, hours = DEFAULT_HOURS, kubeconfig } = readArguments(argv, OPTIONS);
  if (stack === undefined) throw new UsageError("--stack is missing");
  if (name === undefined) throw new UsageError("--name is missing");
  if (out === undefined) throw new UsageError("--out is missing");
  // A name with a colon could be one of Kubernetes' own, such as system:admin.
  if (!/^[\w.+@-]{1,64}$/.test(name)) {
    throw new BadInput(
      `--name ${JSON.stringify(name)} is not a person's name: use letters, digits and . _ + @ -, at most 64, for example an e-mail address`,
    );
  }
  if (!/^\d+$/.test(hours) || Number(hours) < 1 || Number(hours) > 720) {
    throw new BadInput(`--hours ${hours} is not a whole number from 1 to 720`);
  }
  return { ...stackOptions(stack, kubeconfig), name, hours: Number(hours), out: resolve(out) };
}
