import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { seedContainerd } from "../images/containerd-store.ts";
import { command } from "../parts/command.ts";
import type { Lab } from "./lab.ts";

/** Size of the lab's disk. The file is sparse. As small as the smallest disk that infra/schema.ts allows. */
export const DISK_GIB = 20;

/** This file system is mounted at /var/lib in the sandbox; a folder of it is /var/log. */
export function diskFile(lab: Lab): string {
  return join(lab.dir, "disk.img");
}

/**
 * Creates the disk for the kubelet and containerd, with the images of a store on it. Its size is fixed, so the kubelet's
 * reaction to a full disk does not depend on the machine.
 */
export async function createDisk(lab: Lab, store: string): Promise<void> {
  const content = join(lab.dir, "disk");
  await mkdir(join(content, "log"), { recursive: true });
  await seedContainerd(store, join(content, "containerd"));
  const file = await open(diskFile(lab), "w");
  await file.truncate(DISK_GIB * 2 ** 30);
  await file.close();
  // A lab that lost power is created again, so no journal is needed. Nothing is allocated before it is used.
  const sparse = ["-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0"];
  await command("mkfs.ext4", ["-q", ...sparse, "-d", content, diskFile(lab)], {
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
  });
  await rm(content, { recursive: true });
}
