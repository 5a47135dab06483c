import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { command } from "./command.ts";
import { part } from "./store.ts";

const LOCKED = ["package.json", "package-lock.json"];

/** Everything that determines what `npmInstall` installs, as inputs of a part. */
export async function npmInputs(name: string): Promise<string[]> {
  return Promise.all(LOCKED.map((file) => readFile(join(import.meta.dirname, name, file), "utf8")));
}

/** Installs what the lock file in the folder `name` next to this file pins. Returns the `node_modules` folder. */
export async function npmInstall(name: string, dir: string): Promise<string> {
  for (const file of LOCKED) await cp(join(import.meta.dirname, name, file), join(dir, file));
  await command("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: dir });
  return join(dir, "node_modules");
}

/** A folder with the `node_modules` that the lock file in the folder `name` next to this file pins. */
export async function npmPart(name: string, progress: Progress): Promise<string> {
  return part({
    name: `npm-${name}`,
    inputs: await npmInputs(name),
    build: (dir) =>
      progress.step(`Installing ${name}`, async () => {
        await npmInstall(name, dir);
      }),
  });
}
