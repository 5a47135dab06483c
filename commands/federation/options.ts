import { BadInput, readArguments, UsageError } from "../../cli/command-line.ts";
import { stackOptions } from "../../test/lab/stack-options.ts";

/** The options of `npm run federation`. */
export interface Options {
  readonly stack: string;
  readonly kubeconfig: string | undefined;
  /** Namespace of the gateway. Default: that of the deployed stack. */
  readonly namespace: string | undefined;
}

export const USAGE = `npm run federation -- --stack STACK [OPTIONS]   show what to enter in the Claude Console for a federated credential

  --namespace NAME    the gateway's namespace, for a stack that is not deployed yet
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed`;

const OPTIONS = {
  stack: { type: "string" },
  namespace: { type: "string" },
  kubeconfig: { type: "string" },
} as const;

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, namespace, kubeconfig } = readArguments(argv, OPTIONS);
  if (stack === undefined) throw new UsageError("--stack is missing");
  if (namespace !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw new BadInput(`--namespace ${JSON.stringify(namespace)} is not a namespace's name`);
  }
  return { ...stackOptions(stack, kubeconfig), namespace };
}
