import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "./lab.ts";

const ROOT = "/sys/fs/cgroup";
const REMOVAL_ATTEMPTS = 100;

/**
 * The cgroup of the sandbox's first process. Through the cgroup the kernel knows which process that is. This needs no file,
 * works whatever happens to the lab's folder, and never returns a reused pid.
 */
export function sandboxCgroup(lab: Lab): string {
  // cgroup v1 has one hierarchy per controller; any of them will do.
  const hierarchy = isUnified() ? ROOT : join(ROOT, "pids");
  return join(hierarchy, lab.cgroup, "sandbox");
}

/** Creates the lab's cgroup in every hierarchy. The kubelet creates the pods' cgroups inside it. */
export async function createCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const dir = join(hierarchy, lab.cgroup);
    await mkdir(dir, { recursive: true });
    // A new cpuset of cgroup v1 is empty, and no process can run in it.
    for (const file of ["cpuset.mems", "cpuset.cpus"]) {
      const path = join(dir, file);
      if (!isUnified() && existsSync(path) && readFileSync(path, "utf8").trim() === "")
        await writeFile(path, readFileSync(join(hierarchy, file)));
    }
  }
  await mkdir(sandboxCgroup(lab), { recursive: true });
}

/** Removes the lab's cgroups. Their processes must have ended or be about to end. */
export async function removeCgroups(lab: Lab): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, lab.cgroup));
}

function isUnified(): boolean {
  return existsSync(join(ROOT, "cgroup.controllers"));
}

/** The root of the cgroup v2 hierarchy, or the root of each cgroup v1 hierarchy. */
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
      // The kernel removes the last process from the cgroup shortly after it has ended.
      if (attempt === REMOVAL_ATTEMPTS) throw error;
      await sleep(100);
    }
  }
}
