import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";

const ROOT = "/sys/fs/cgroup";
const REMOVAL_ATTEMPTS = 50;

/** Makes the lab's cgroup in every hierarchy; the kubelet makes those of pods in it, never beside it. */
export async function createCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const dir = join(hierarchy, lab.cgroup);
    await mkdir(dir, { recursive: true });
    // A new cpuset of cgroup v1 is empty, and nothing could run in it.
    for (const file of ["cpuset.mems", "cpuset.cpus"]) {
      const path = join(dir, file);
      if (existsSync(path) && readFileSync(path, "utf8").trim() === "")
        await writeFile(path, readFileSync(join(hierarchy, file)));
    }
  }
}

/** Removes the lab's cgroups; no process may be left in them. */
export async function removeCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, lab.cgroup));
}

/** The root of the one hierarchy of cgroup v2, or of each of v1. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(ROOT, "cgroup.controllers"))) return [ROOT];
  const entries = await readdir(ROOT, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(ROOT, entry.name));
}

async function removeTree(dir: string): Promise<void> {
  if (!existsSync(dir)) return;
  for (const entry of await readdir(dir, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(dir, entry.name));
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(dir);
      return;
    } catch (error) {
      // The kernel lets go of the last process a moment after it has ended.
      if (attempt === REMOVAL_ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}
