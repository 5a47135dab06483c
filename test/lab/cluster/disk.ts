import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { seedContainerd } from "../images/containerd-store.ts";
import { command } from "../parts/command.ts";
import type { Lab } from "./lab.ts";

/** Size of the lab's disk; the file takes up what is written. Like the smallest that infra/schema.ts lets a host have. */
export const DISK_GIB = 20;

/** The file system that is /var/lib in the sandbox, and /var/log in a folder of it. */
export function diskFile(lab: Lab): string {
  return join(lab.dir, "disk.img");
}

/**
 * Makes the disk that the kubelet and containerd have, with the images of a store on it. Of fixed size, so that what the
 * kubelet makes of a full disk does not depend on the machine's.
 */
export async function createDisk(lab: Lab, store: string): Promise<void> {
  const content = join(lab.dir, "disk");
  await mkdir(join(content, "log"), { recursive: true });
  await seedContainerd(store, join(content, "containerd"));
  const file = await open(diskFile(lab), "w");
  await file.truncate(DISK_GIB * 2 ** 30);
  await file.close();
  // A lab that lost power is started anew, so there is no journal; and nothing is written ahead of its use.
  const sparse = ["-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", "-m", "0"];
  await command("mkfs.ext4", ["-q", ...sparse, "-d", content, diskFile(lab)], {
    env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin` },
  });
  await rm(content, { recursive: true });
}
