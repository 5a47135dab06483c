import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { part } from "../parts/store.ts";
import { command } from "../parts/command.ts";

/** One layer of an image: an uncompressed tar, because that is fast to create and to unpack. */
export interface Layer {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** How to build one layer. */
export interface LayerRecipe {
  readonly name: string;
  /** The file with the recipe. If it changes, the layer is built again. */
  readonly source: string;
  /** Everything else that determines the content, including the digests of the layers it is built from. */
  readonly inputs: readonly string[];
  /** Fills the folder for `/`. The folder `scratch` around it is for temporary files. */
  fill(root: string, scratch: string): Promise<void>;
}

/** Returns a layer. Builds it first if the cache does not have it. */
export async function layer(recipe: LayerRecipe, progress: Progress): Promise<Layer> {
  const path = await part({
    name: `layer-${recipe.name}`,
    inputs: [...(await sources(recipe.source, import.meta.filename)), ...recipe.inputs],
    build: (dir) =>
      progress.step(`Making image layer ${recipe.name}`, async () => {
        const scratch = join(dir, "scratch");
        const root = join(scratch, "root");
        await mkdir(root, { recursive: true });
        await recipe.fill(root, scratch);
        await chmod(root, 0o755);
        await pack(root, join(dir, "layer.tar"));
        await rm(scratch, { recursive: true });
        await seal(join(dir, "layer.tar"));
      }),
  });
  return sealedLayer(join(path, "layer.tar"));
}

/** The contents of files, as inputs of a part. */
export async function sources(...files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map((file) => readFile(file, "utf8")));
}

/** Writes a layer's digest and size next to it, so that the layer is read only once. */
export async function seal(tar: string): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(tar)) hash.update(chunk as Buffer);
  const { size } = await stat(tar);
  const digest = `sha256:${hash.digest("hex")}`;
  await writeFile(`${tar}.json`, JSON.stringify({ digest, size }));
}

/** The layer that `seal` described. */
export async function sealedLayer(tar: string): Promise<Layer> {
  const { digest, size } = JSON.parse(await readFile(`${tar}.json`, "utf8")) as Omit<Layer, "path">;
  return { path: tar, digest, size };
}

/** Unpacks entries of the layers into `root`, later layers over earlier ones; all entries if `entries` is empty. */
export async function unpack(
  layers: readonly Layer[],
  root: string,
  entries: readonly string[] = [],
): Promise<void> {
  for (const { path } of layers) await command("tar", ["-xpf", path, "-C", root, ...entries]);
}

// Every user can read the files, whatever the umask was; file capabilities are preserved.
async function pack(root: string, tar: string): Promise<void> {
  await command("tar", [
    ...["--create", "--format=posix", "--pax-option=delete=atime,delete=ctime", "--sort=name"],
    ...["--numeric-owner", "--mode=a+rX", "--xattrs", "--xattrs-include=security.capability"],
    ...["--mtime=@0", `--directory=${root}`, `--file=${tar}`, "."],
  ]);
}
