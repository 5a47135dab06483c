import { spawn } from "node:child_process";
import { capture, notInstalled } from "../../infra/access/gcloud.ts";
import type { Spikes } from "./spikes.ts";

/** The user's own Pulumi and cluster: the backend that `pulumi` is logged in to, and kubectl's current context. */
export const ownSpikes: Spikes = {
  async stacks() {
    const list = JSON.parse(await capture("pulumi", ["stack", "ls", "--json"])) as {
      name: string;
    }[];
    return list.map(({ name }) => name);
  },
  exportState: (stack) => capture("pulumi", ["stack", "export", "--stack", stack]),
  destroy: (stack) => shown("pulumi", ["destroy", "--stack", stack, "--yes", "--skip-preview"]),
  // The repository may ship a stack file of that name.
  remove: (stack) => shown("pulumi", ["stack", "rm", stack, "--yes", "--preserve-config"]),
  kubectl: (args) => capture("kubectl", args),
};

/** Whether `pulumi` is installed. */
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

/** Runs a program with the user's terminal. The terminal sends Ctrl-C to it, and it shuts down by itself. */
async function shown(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, [...args, "--non-interactive"], { stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? notInstalled(program) : error);
    });
    child.on("close", resolve);
  });
  if (code !== 0) {
    throw new Error(
      `${program} ${args[0] ?? ""} exited with code ${String(code)}; see its output above`,
    );
  }
}
