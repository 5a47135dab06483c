import { mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Files } from "../../components/gateway/envoy/args.ts";

/**
 * A folder with the layout of a ConfigMap or Secret volume: the files are links through `..data`, which is a link to a folder.
 * When the object changes, the kubelet replaces the link `..data` with one rename.
 */
export class Volume {
  readonly #dir: string;
  #generation = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Replaces the content, all files at once. */
  async update(files: Files): Promise<void> {
    const previous = `..generation-${this.#generation}`;
    const current = `..generation-${++this.#generation}`;
    await mkdir(join(this.#dir, current), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(this.#dir, current, name), content);
    }
    await symlink(current, join(this.#dir, "..data_tmp"));
    await rename(join(this.#dir, "..data_tmp"), join(this.#dir, "..data"));
    const linked = new Set(await readdir(this.#dir));
    for (const name of Object.keys(files)) {
      if (!linked.has(name)) await symlink(join("..data", name), join(this.#dir, name));
    }
    await rm(join(this.#dir, previous), { recursive: true, force: true });
  }
}
