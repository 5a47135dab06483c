import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheRoot, part, partKey, partPath } from "../../../lab/parts/store.ts";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "store-test-"));
  vi.stubEnv("CLAUDE_GATEWAY_CACHE", cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

test("the cache is in the folder of its variable, else in the user's cache folder", () => {
  expect(cacheRoot({ CLAUDE_GATEWAY_CACHE: "/a", XDG_CACHE_HOME: "/b" })).toBe("/a");
  expect(cacheRoot({ XDG_CACHE_HOME: "/b" })).toBe("/b/claude-gateway");
  expect(cacheRoot({})).toMatch(/\/\.cache\/claude-gateway$/);
});

test("a part's key changes with its name and with each of its inputs", () => {
  const keys = [
    partKey({ name: "a", inputs: ["1", "2"] }),
    partKey({ name: "b", inputs: ["1", "2"] }),
    partKey({ name: "a", inputs: ["1", "3"] }),
    partKey({ name: "a", inputs: ["12"] }),
  ];
  expect(new Set(keys).size).toBe(4);
  expect(partKey({ name: "a", inputs: ["1", "2"] })).toBe(keys[0]);
});

test("a part is built once, even if two callers request it at the same time", async () => {
  const build = vi.fn((dir: string) => writeFile(join(dir, "program"), "x"));
  const recipe = { name: "tool", inputs: ["1"], build };
  const [first, second] = await Promise.all([part(recipe), part(recipe)]);
  expect(await part(recipe)).toBe(first);
  expect(second).toBe(first);
  expect(first).toBe(partPath(recipe));
  expect(build).toHaveBeenCalledTimes(1);
  expect(await readFile(join(first, "program"), "utf8")).toBe("x");
});

test("a failed build leaves nothing, and the next one starts from an empty folder", async () => {
  const recipe = { name: "tool", inputs: ["1"] };
  const failing = part({
    ...recipe,
    build: async (dir) => {
      await writeFile(join(dir, "half"), "");
      throw new Error("no compiler");
    },
  });
  await expect(failing).rejects.toThrow("no compiler");
  expect(existsSync(partPath(recipe))).toBe(false);
  expect(await readdir(join(cache, "building"))).toEqual([]);
  const dir = await part({ ...recipe, build: (dir) => writeFile(join(dir, "whole"), "") });
  expect(await readdir(dir)).toEqual(["whole"]);
});

test("a part that another clone finished first is used", async () => {
  const recipe = { name: "tool", inputs: ["1"] };
  const dir = await part({
    ...recipe,
    build: async (mine) => {
      await mkdir(partPath(recipe), { recursive: true });
      await writeFile(join(partPath(recipe), "theirs"), "");
      await writeFile(join(mine, "mine"), "");
    },
  });
  expect(await readdir(dir)).toEqual(["theirs"]);
});

test("the next build deletes what a killed build left, but not the files of a running build", async () => {
  const building = join(cache, "building");
  // No process has this pid, because it is above the kernel's limit.
  await mkdir(join(building, "tool.99999999.abc"), { recursive: true });
  await mkdir(join(building, `tool.${process.pid}.def`));
  await part({ name: "tool", inputs: ["1"], build: () => Promise.resolve() });
  expect(await readdir(building)).toEqual([`tool.${process.pid}.def`]);
});
