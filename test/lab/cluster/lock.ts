import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Progress } from "../progress.ts";
import type { Lab } from "./lab.ts";

/**
 * Runs `work` while no other command starts or takes down the same lab. What is locked is the clone's own
 * folder, by the kernel: nothing is left behind, and a killed command holds nothing.
 */
export async function exclusively<T>(
  lab: Lab,
  progress: Progress,
  work: () => Promise<T>,
): Promise<T> {
  let release = await lock(lab.cloneDir, ["--nonblock"]);
  if (release === undefined) {
    progress.note(`Waiting for another command that starts or stops the lab of ${lab.cloneDir}`);
    release = await lock(lab.cloneDir, []);
  }
  if (release === undefined) throw new Error(`flock could not lock ${lab.cloneDir}`);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** The lock is held by a helper that ends as soon as its standard input does, and so with this process. */
async function lock(dir: string, options: string[]): Promise<(() => Promise<unknown>) | undefined> {
  const helper = spawn("flock", [...options, dir, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C in a terminal must not release the lock before this process is done.
    detached: true,
  });
  const held = await new Promise<boolean>((resolve, reject) => {
    helper.on("error", reject);
    helper.on("exit", () => {
      resolve(false);
    });
    helper.stdout.once("data", () => {
      resolve(true);
    });
  });
  if (!held) return undefined;
  return () => {
    helper.stdin.end();
    return once(helper, "close");
  };
}
