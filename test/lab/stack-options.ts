import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { BadInput } from "../../cli/command-line.ts";

/** Checks `--stack` and `--kubeconfig` of a command, and makes the file's path absolute. Throws {@link BadInput}. */
export function stackOptions(stack: string, kubeconfig: string | undefined) {
  if (!/^[\w.-]+$/.test(stack)) {
    throw new BadInput(`--stack ${JSON.stringify(stack)} is not a stack name`);
  }
  const file = kubeconfig === undefined ? undefined : resolve(kubeconfig);
  if (file !== undefined && !existsSync(file)) {
    throw new BadInput(`--kubeconfig ${file} does not exist`);
  }
  return { stack, kubeconfig: file };
}
