import { join } from "node:path";
import { type Run, runInLab } from "./command.ts";
import type { Lab } from "./lab.ts";

/** Folder with `kubectl` in the lab. */
export function binDir(lab: Lab): string {
  return join(lab.dir, "bin");
}

/** Runs kubectl as the cluster's administrator and returns its stdout. */
export async function kubectl(lab: Lab, args: readonly string[], run: Run = {}): Promise<string> {
  const command = [join(binDir(lab), "kubectl"), `--kubeconfig=${lab.kubeconfig}`];
  return (await runInLab(lab, [...command, ...args], run)).stdout;
}
