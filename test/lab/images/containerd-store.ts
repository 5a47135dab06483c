import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { cp, link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { part } from "../parts/store.ts";
import type { Progress } from "../progress.ts";
import { imageDigest, type Image } from "./archive.ts";
import { command } from "../parts/command.ts";
import { importImages } from "./images.ts";
import { sources } from "./layer.ts";

const START_SECONDS = 30;

/**
 * A root folder for containerd in which the images are already unpacked. Importing them writes each byte twice and waits
 * for the disk, which takes too long at every start of a lab.
 */
export async function containerdStore(
  images: readonly Image[],
  progress: Progress,
): Promise<string> {
  const dir = await part({
    name: "containerd-store",
    inputs: [
      ...(await sources(import.meta.filename)),
      await command("containerd", ["--version"]),
      ...images.map((image) => `${image.name} ${imageDigest(image)}`).sort(),
    ],
    build: (dir) =>
      progress.step("Unpacking the container images", async () => {
        await fill(join(dir, "root"), images);
        await shareBlobs(join(dir, "root"), images);
      }),
  });
  return join(dir, "root");
}

/** Folders in which containerd adds and removes entries but never changes them in place: blobs and unpacked layers. */
const SHARED = [
  "io.containerd.content.v1.content/blobs/sha256",
  "io.containerd.snapshotter.v1.overlayfs/snapshots",
];

/**
 * Makes `root` a copy of a store, for a containerd that is not running yet. Blobs and unpacked layers are hard-linked, so
 * they need no time and no space, and deleting one deletes only a link. The store's path must be the same wherever `root`
 * is used.
 */
export async function seedContainerd(store: string, root: string): Promise<void> {
  const shared = SHARED.map((folder) => join(store, folder));
  const filter = (path: string) => !shared.includes(dirname(path));
  await cp(store, root, { recursive: true, filter });
  for (const folder of SHARED) {
    for (const entry of await readdir(join(store, folder)))
      await symlink(join(store, folder, entry), join(root, folder, entry));
  }
}

async function fill(root: string, images: readonly Image[]): Promise<void> {
  // A socket's path may have at most 108 characters, so it is not in the cache.
  const state = await mkdtemp(join(tmpdir(), "containerd-"));
  const socket = join(state, "socket");
  const config = join(state, "config.toml");
  const log = join(state, "log");
  await writeFile(
    config,
    `version = 2
root = "${root}"
state = "${join(state, "state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]

[grpc]
address = "${socket}"
`,
  );
  // Ends together with this process, because its stdin is closed then.
  const untilInputEnds = 'containerd --config "$0" & cat; kill $!; wait $!';
  const output = openSync(log, "w");
  const containerd = spawn("unshare", ["--mount", "sh", "-c", untilInputEnds, config], {
    stdio: ["pipe", output, output],
  });
  try {
    const ctr = ["ctr", `--address=${socket}`, "--namespace=k8s.io"] as const;
    await answering([...ctr, "version"], containerd, log);
    await importImages([...ctr], images);
  } finally {
    containerd.stdin?.end();
    if (containerd.exitCode === null) await once(containerd, "close");
    await rm(state, { recursive: true, force: true });
  }
}

// The cache already has every layer.
async function shareBlobs(root: string, images: readonly Image[]): Promise<void> {
  const blobs = join(root, "io.containerd.content.v1.content/blobs");
  for (const { path, digest } of images.flatMap(({ layers }) => layers)) {
    const blob = join(blobs, digest.replace(":", "/"));
    await rm(blob);
    await link(path, blob);
  }
}

async function answering(
  [name, ...args]: readonly [string, ...string[]],
  containerd: ChildProcess,
  log: string,
): Promise<void> {
  const deadline = Date.now() + START_SECONDS * 1000;
  for (;;) {
    try {
      await command(name, args);
      return;
    } catch (error) {
      if (containerd.exitCode !== null || Date.now() > deadline)
        throw new Error(`containerd does not answer:\n${await readFile(log, "utf8")}`, {
          cause: error,
        });
      await sleep(100);
    }
  }
}
