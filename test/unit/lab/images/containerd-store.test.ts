import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seedContainerd } from "../../../lab/images/containerd-store.ts";

const BLOB = "io.containerd.content.v1.content/blobs/sha256/aa";
const SNAPSHOT = "io.containerd.snapshotter.v1.overlayfs/snapshots/1";
const LAYER_FILE = `${SNAPSHOT}/fs/etc/app.db`;
const DATABASES = [
  "io.containerd.metadata.v1.bolt/meta.db",
  "io.containerd.snapshotter.v1.overlayfs/metadata.db",
];

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "store-"));
  for (const file of [BLOB, LAYER_FILE, ...DATABASES]) {
    await mkdir(join(dir, "store", file, ".."), { recursive: true });
    await writeFile(join(dir, "store", file), "original");
  }
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

describe("a containerd root folder made from a store", () => {
  it("hard-links blobs and unpacked layers", async () => {
    await seedContainerd(join(dir, "store"), join(dir, "root"));
    for (const file of [BLOB, LAYER_FILE]) {
      expect(await realpath(join(dir, "root", file))).toBe(
        await realpath(join(dir, "store", file)),
      );
    }
  });

  it("does not change the store when a blob or a layer is removed from it", async () => {
    await seedContainerd(join(dir, "store"), join(dir, "root"));
    await rm(join(dir, "root", BLOB));
    await rm(join(dir, "root", SNAPSHOT), { recursive: true });
    for (const file of [BLOB, LAYER_FILE])
      expect(await readFile(join(dir, "store", file), "utf8")).toBe("original");
  });

  it("has its own databases, so containerd does not write to the store", async () => {
    await seedContainerd(join(dir, "store"), join(dir, "root"));
    for (const file of DATABASES) {
      expect(await readFile(join(dir, "root", file), "utf8")).toBe("original");
      await writeFile(join(dir, "root", file), "changed");
      expect(await readFile(join(dir, "store", file), "utf8")).toBe("original");
    }
  });
});
