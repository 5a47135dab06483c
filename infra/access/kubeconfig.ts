import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { parseKubeconfig, renderKubeconfig } from "./k3s-kubeconfig.ts";
import type { FullStackName } from "./stack-name.ts";

/**
 * Where `npm run tunnel` puts the kubeconfig of a host stack, with `~` as the kubernetes provider takes it: the path
 * goes into the state of gateway stacks, and `destroy` may be run by somebody else.
 */
export function tunnelKubeconfig(stack: FullStackName): string {
  return `~/.kube/claude-gateway/${stack}.yaml`;
}

/** The path on this machine. */
export function expandHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** A file as a user names it in a stack's configuration: what is relative starts at the project, wherever that runs. */
export function configuredFile(path: string): string {
  return resolve(import.meta.dirname, "../..", expandHome(path));
}

/** A kubeconfig that the machine published, made anew from its certificates and key, with the tunnel's end for the server. */
export function throughTunnel(published: string, port: number): string {
  try {
    return renderKubeconfig({
      ...parseKubeconfig(published),
      server: `https://127.0.0.1:${port}`,
    });
  } catch (error) {
    throw new Error(
      `The kubeconfig that the machine published cannot be used: ${(error as Error).message}. k3s wrote none like it: see who changed the machine, \`npm run host:status\``,
      { cause: error },
    );
  }
}

/** Writes a kubeconfig whole, readable by nobody else. */
export function writeKubeconfig(path: string, content: string): void {
  const file = expandHome(path);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  chmodSync(`${file}.new`, 0o600);
  renameSync(`${file}.new`, file);
}

/**
 * Why the kubeconfig of a host stack cannot be used, with the command that puts it right; `undefined` when it can,
 * as far as the file alone shows.
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
    return `The kubeconfig at ${path} is stale, its certificate ended ${validTo}: ${fix}`;
  } catch (error) {
    return `The kubeconfig at ${path} cannot be used, ${(error as Error).message}: ${fix}`;
  }
}
