import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** How to download or build one part of the lab. */
export interface Recipe {
  /** Name of the part, for example `"etcd"`. Its folder in the cache starts with this name. */
  readonly name: string;
  /** Everything that determines the result (pins, file contents, keys of other parts). If it changes, the part is rebuilt. */
  readonly inputs: readonly string[];
  /** Fills the empty folder `dir`. If it throws, nothing is kept. */
  build(dir: string): Promise<void>;
}

/** Cache folder outside the repository, shared by all clones on the machine. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return (
    env.CLAUDE_GATEWAY_CACHE ??
    join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "claude-gateway")
  );
}

/** First 12 hex digits of a hash of a recipe's name and inputs. */
export function partKey(recipe: Pick<Recipe, "name" | "inputs">): string {
  return createHash("sha256")
    .update(JSON.stringify([recipe.name, recipe.inputs]))
    .digest("hex")
    .slice(0, 12);
}

/** The folder in the cache that a part has or will have. */
export function partPath(recipe: Pick<Recipe, "name" | "inputs">): string {
  return join(cacheRoot(), "parts", `${recipe.name}-${partKey(recipe)}`);
}

const underWay = new Map<string, Promise<string>>();

/**
 * Returns the folder of a part. Builds it first if the cache does not have it. A part gets its final name with one rename,
 * so a build that was killed leaves nothing that looks like the part. Calls for the same part during a build wait for that
 * build.
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
      // Another clone finished the same part first. Use its copy.
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return path;
}

/** Deletes what killed builds left behind. The folder's name contains the pid of the build. */
async function removeAbandoned(building: string): Promise<void> {
  for (const name of await readdir(building)) {
    const pid = name.split(".").at(-2) ?? "";
    if (!existsSync(`/proc/${pid}`))
      await rm(join(building, name), { recursive: true, force: true });
  }
}
