import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** How one part of the lab is fetched or built. */
export interface Recipe {
  /** Name of the part, for example `"etcd"`; the folder in the cache starts with it. */
  readonly name: string;
  /** Everything that decides the result (pins, file contents, keys of other parts): a change builds anew. */
  readonly inputs: readonly string[];
  /** Fills the empty folder `dir`. May throw: nothing of it is kept then. */
  build(dir: string): Promise<void>;
}

/** Folder outside the tree that all clones on the machine share. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return (
    env.CLAUDE_GATEWAY_CACHE ??
    join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "claude-gateway")
  );
}

/** First 12 hex digits of the hash over a recipe's name and inputs. */
export function partKey(recipe: Pick<Recipe, "name" | "inputs">): string {
  return createHash("sha256")
    .update(JSON.stringify([recipe.name, recipe.inputs]))
    .digest("hex")
    .slice(0, 12);
}

/** The folder that a part has, or will have, in the cache. */
export function partPath(recipe: Pick<Recipe, "name" | "inputs">): string {
  return join(cacheRoot(), "parts", `${recipe.name}-${partKey(recipe)}`);
}

const underWay = new Map<string, Promise<string>>();

/**
 * Returns the folder of a part, built first if the cache lacks it. A part appears under its name by one
 * rename, so a build that was killed half way leaves nothing that could be taken for the part. Those
 * who ask for a part while it is built wait for the same build.
 */
export async function part(recipe: Recipe): Promise<string> {
  const path = partPath(recipe);
  if (existsSync(path)) return path;
  let building = underWay.get(path);
  if (building === undefined) {
    building = build(recipe, path).finally(() => underWay.delete(path));
    underWay.set(path, building);
  }
  return building;
}

async function build(recipe: Recipe, path: string): Promise<string> {
  const building = join(cacheRoot(), "building");
  await mkdir(building, { recursive: true });
  await mkdir(join(cacheRoot(), "parts"), { recursive: true });
  await removeAbandoned(building);
  const dir = await mkdtemp(join(building, `${recipe.name}.${process.pid}.`));
  try {
    await recipe.build(dir);
    await rename(dir, path).catch((error: unknown) => {
      // Another clone finished the same part first; its copy serves as well.
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return path;
}

/** Removes what builds left that were killed: the folder's name says which process it was. */
async function removeAbandoned(building: string): Promise<void> {
  for (const name of await readdir(building)) {
    const pid = name.split(".").at(-2) ?? "";
    if (!existsSync(`/proc/${pid}`))
      await rm(join(building, name), { recursive: true, force: true });
  }
}
