import { join } from "node:path";
import { type Run, runInLab } from "./command.ts";
import type { Lab } from "./lab.ts";

/** Folder in the lab that has `kubectl`. */
export function binDir(lab: Lab): string {
  return join(lab.dir, "bin");
}

/** Runs kubectl as the cluster's administrator and returns what it wrote. */
export async function kubectl(lab: Lab, args: readonly string[], run: Run = {}): Promise<string> {
  const command = [join(binDir(lab), "kubectl"), `--kubeconfig=${lab.kubeconfig}`];
  return (await runInLab(lab, [...command, ...args], run)).stdout;
}
