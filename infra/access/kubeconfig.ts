import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { parseKubeconfig, renderKubeconfig } from "./k3s-kubeconfig.ts";
import type { FullStackName } from "./stack-name.ts";

/**
 * The path to which `npm run tunnel` writes a host stack's kubeconfig. It starts with `~`, which the kubernetes provider
 * expands: the path is stored in the state of gateway stacks, and another user may run `destroy`.
 */
export function tunnelKubeconfig(stack: FullStackName): string {
  return `~/.kube/claude-gateway/${stack}.yaml`;
}

/** Expands `~` to the home directory of this machine. */
export function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** Resolves a path from a stack's configuration. A relative path starts at the project folder, not at the working directory. */
export function configuredFile(path: string): string {
  return resolve(import.meta.dirname, "../..", expandHome(path));
}

/** Rebuilds the machine's kubeconfig from its certificates and key, with the tunnel's local end as the server. */
export function throughTunnel(published: string, port: number): string {
  try {
    return renderKubeconfig({
      ...parseKubeconfig(published),
      server: `https://127.0.0.1:${port}`,
    });
  } catch (error) {
    throw new Error(
      `The kubeconfig that the machine published cannot be used: ${(error as Error).message}. k3s does not write such a file. Find out who changed the machine: \`npm run host:status\``,
      { cause: error },
    );
  }
}

/** Writes the whole kubeconfig in one step, readable by the owner only. */
export function writeKubeconfig(path: string, content: string): void {
  const file = expandHome(path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
}

/**
 * Says why the kubeconfig of a host stack cannot be used and which command fixes it; `undefined` if the file looks valid.
 * Checks the file only, not whether the cluster answers.
 */
export function kubeconfigProblem(
  stack: FullStackName,
  now: Date = new Date(),
): string | undefined {
  const path = tunnelKubeconfig(stack);
  const fix = `run \`npm run tunnel -- --stack ${stack}\` and leave it running`;
  const file = expandHome(path);
  if (!existsSync(file))
    return `There is no kubeconfig of host stack "${stack}" at ${path}: ${fix}`;
  try {
    const { validTo } = new X509Certificate(
      parseKubeconfig(readFileSync(file, "utf8")).certificate,
    );
    if (new Date(validTo) > now) return undefined;
    return `The kubeconfig at ${path} is stale (its certificate expired ${validTo}): ${fix}`;
  } catch (error) {
    return `The kubeconfig at ${path} cannot be used (${(error as Error).message}): ${fix}`;
  }
}
