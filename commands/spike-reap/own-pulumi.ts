import { spawn } from "node:child_process";
import { capture, notInstalled } from "../../infra/access/gcloud.ts";
import type { Spikes } from "./spikes.ts";

/** The user's own: whatever `pulumi` is logged in to, and the cluster of kubectl's current context. */
export const ownSpikes: Spikes = {
  async stacks() {
    const list = JSON.parse(await capture("pulumi", ["stack", "ls", "--json"])) as {
      name: string;
    }[];
    return list.map(({ name }) => name);
  },
  exportState: (stack) => capture("pulumi", ["stack", "export", "--stack", stack]),
  destroy: (stack) => shown("pulumi", ["destroy", "--stack", stack, "--yes", "--skip-preview"]),
  // A stack file of that name may be one that the repository ships.
  remove: (stack) => shown("pulumi", ["stack", "rm", stack, "--yes", "--preserve-config"]),
  kubectl: (args) => capture("kubectl", args),
};

/** Whether there is a Pulumi to ask. */
export async function pulumiIsInstalled(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("pulumi", ["version"], { stdio: "ignore" });
    child.on("error", () => {
      resolve(false);
    });
    child.on("close", (code) => {
      resolve(code === 0);
    });
  });
}

/** Runs a program whose output the user follows. Ctrl-C reaches it by the terminal, and it ends in its own order. */
async function shown(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, [...args, "--non-interactive"], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? notInstalled(program) : error);
    });
    child.on("close", resolve);
  });
  if (code !== 0) {
    throw new Error(`${program} ${args[0] ?? ""} ended with ${String(code)}; it says why above`);
  }
}
