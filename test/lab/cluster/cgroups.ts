import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";

const ROOT = "/sys/fs/cgroup";
const REMOVAL_ATTEMPTS = 100;

/**
 * The cgroup of the sandbox's first process. By it the kernel keeps the record of which process that is:
 * it needs no file, survives whatever happens to the lab's folder, and never names a reused pid.
 */
export function sandboxCgroup(lab: Lab): string {
  // cgroup v1 has a hierarchy for each controller; any one would do.
  const hierarchy = isUnified() ? ROOT : join(ROOT, "pids");
  return join(hierarchy, lab.cgroup, "sandbox");
}

/** Makes the lab's cgroup in every hierarchy; the kubelet makes those of pods in it, never beside it. */
export async function createCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const dir = join(hierarchy, lab.cgroup);
    await mkdir(dir, { recursive: true });
    // A new cpuset of cgroup v1 is empty, and nothing could run in it.
    for (const file of ["cpuset.mems", "cpuset.cpus"]) {
      const path = join(dir, file);
      if (!isUnified() && existsSync(path) && readFileSync(path, "utf8").trim() === "")
        await writeFile(path, readFileSync(join(hierarchy, file)));
    }
  }
  await mkdir(sandboxCgroup(lab), { recursive: true });
}

/** Removes the lab's cgroups; their processes must be gone, or about to go. */
export async function removeCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, lab.cgroup));
}

function isUnified(): boolean {
  return existsSync(join(ROOT, "cgroup.controllers"));
}

/** The root of the one hierarchy of cgroup v2, or of each of v1. */
async function hierarchies(): Promise<string[]> {
  if (isUnified()) return [ROOT];
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
