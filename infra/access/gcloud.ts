import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

import type { HostReference } from "./host-reference.ts";
import { type HostStatus, parseSteps } from "./host-status.ts";

/** A program exited with a code other than 0, or is not installed. */
export class ProgramFailed extends Error {
  override readonly name = "ProgramFailed";
}

const INSTALL: Readonly<Record<string, string>> = {
  gcloud: "the Google Cloud CLI; then run `gcloud auth login`",
  pulumi: "the Pulumi CLI",
};

/**
 * Runs a program and returns its stdout; its stderr goes to the user unchanged. The program is killed after `limitMs`
 * (default: no limit).
 */
export async function capture(
  program: string,
  args: readonly string[],
  limitMs?: number,
): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: limitMs });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? notInstalled(program) : error);
    });
    child.on("close", resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code === 0) return stdout;
  const how = code === null ? "was killed because it took too long" : `exited with code ${code}`;
  throw new ProgramFailed(`${program} ${args.slice(0, 3).join(" ")} ${how}: ${stderr.trim()}`);
}

/** The error for a program that is not installed; it names what to install. */
export function notInstalled(program: string): ProgramFailed {
  return new ProgramFailed(`${program} is not installed: install ${INSTALL[program] ?? program}`);
}

const at = (host: HostReference): string[] => ["--project", host.project, "--zone", host.zone];

/** Reads from GCE what the machine last reported. */
export async function readHostStatus(host: HostReference, limitMs?: number): Promise<HostStatus> {
  const query = ["--query-path", "claude-gateway/steps", "--format", "json"];
  const args = [
    "compute",
    "instances",
    "get-guest-attributes",
    host.instance,
    ...at(host),
    ...query,
  ];
  try {
    const items = JSON.parse(await capture("gcloud", args, limitMs)) as { value?: string }[];
    return { host, steps: parseSteps(items[0]?.value ?? "") };
  } catch (error) {
    // The machine has not written the attribute yet. For a missing machine gcloud gives another error.
    if (error instanceof ProgramFailed && /guest attribute.*not found/i.test(error.message)) {
      return { host, steps: [] };
    }
    throw error;
  }
}

/** The newest kubeconfig that the machine published. */
export function readKubeconfig(host: HostReference): Promise<string> {
  const args = ["--secret", host.kubeconfigSecret, "--project", host.project];
  return capture("gcloud", ["secrets", "versions", "access", "latest", ...args]);
}

/** gcloud arguments that open the tunnel from `127.0.0.1:<port>` to the machine's API server. */
export function tunnelArguments(host: HostReference, apiPort: number, port: number): string[] {
  const ports = [String(apiPort), `--local-host-port=127.0.0.1:${port}`];
  return ["compute", "start-iap-tunnel", host.instance, ...ports, ...at(host)];
}
