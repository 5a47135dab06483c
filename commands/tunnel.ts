/**
 * `npm run tunnel -- --stack H [--port N]`: opens the tunnel to a host's API server. Writes the latest kubeconfig where
 * gateway and spike stacks look for it, and keeps the tunnel open until Ctrl-C.
 */
import { spawn } from "node:child_process";

import { runCommand } from "../cli/command-line.ts";
import {
  notInstalled,
  ProgramFailed,
  readHostStatus,
  readKubeconfig,
  tunnelArguments,
} from "../infra/access/gcloud.ts";
import type { HostReference } from "../infra/access/host-reference.ts";
import { isReady, summarize } from "../infra/access/host-status.ts";
import { findFullName, findHost, readOptions } from "../infra/access/host-options.ts";
import { API_PORT } from "../infra/machine/k3s-config.ts";
import { foreignKeys } from "../infra/access/k3s-kubeconfig.ts";
import { throughTunnel, tunnelKubeconfig, writeKubeconfig } from "../infra/access/kubeconfig.ts";

/** Not 6443: another cluster of the user may use that port. */
const DEFAULT_PORT = 16_443;

/** The latest kubeconfig. If there is none, the error says how far the machine's set-up is. */
async function newestKubeconfig(host: HostReference): Promise<string> {
  try {
    return await readKubeconfig(host);
  } catch (error) {
    const status = await readHostStatus(host);
    if (!(error instanceof ProgramFailed) || isReady(status)) throw error;
    throw new Error(`No kubeconfig yet. ${summarize(status)}`, { cause: error });
  }
}

/** Runs the tunnel until it ends. The terminal sends Ctrl-C to it, and that end is not an error. */
function keepOpen(args: readonly string[]): Promise<number> {
  let stopping = false;
  const child = spawn("gcloud", args, { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      stopping = true;
      child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? notInstalled("gcloud") : error);
    });
    child.on("close", (code) => {
      resolve(stopping ? 0 : (code ?? 1));
    });
  });
}

await runCommand(
  async () => {
    const { stack, port } = readOptions(process.argv.slice(2), { port: DEFAULT_PORT });
    const host = await findHost(stack);
    const path = tunnelKubeconfig(await findFullName(stack));
    const published = await newestKubeconfig(host);
    writeKubeconfig(path, throughTunnel(published, port));
    const foreign = foreignKeys(published);
    if (foreign.length > 0) {
      process.stderr.write(
        `Removed from the kubeconfig, because k3s does not write it: ${foreign.join(", ")}. Find out who changed the machine.\n`,
      );
    }
    process.stderr.write(
      `Kubeconfig written to ${path}. The tunnel stays open until Ctrl-C; in another terminal:\n` +
        `  kubectl --kubeconfig ${path} get nodes\n`,
    );
    return keepOpen(tunnelArguments(host, API_PORT, port));
  },
  { usage: "usage: npm run tunnel -- --stack STACK [--port PORT]" },
);
