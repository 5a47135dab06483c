import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Progress } from "../progress.ts";
import type { Lab } from "./lab.ts";

/**
 * Runs `work` while no other command starts or stops the same lab. The kernel locks the clone's own folder, so no file is
 * left behind, and a killed command releases the lock.
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

/** A helper holds the lock. It ends when its stdin closes, and so when this process ends. */
async function lock(dir: string, options: string[]): Promise<(() => Promise<unknown>) | undefined> {
  const helper = spawn("flock", [...options, dir, "sh", "-c", "echo; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl-C in a terminal must not end the helper before this process has finished.
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
