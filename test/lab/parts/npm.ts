import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";

const LOCKED = ["package.json", "package-lock.json"];

/** Everything that decides what `npmInstall` installs, as inputs of a part. */
export async function npmInputs(name: string): Promise<string[]> {
  return Promise.all(LOCKED.map((file) => readFile(join(import.meta.dirname, name, file), "utf8")));
}

/** Installs what the lock file of the folder `name` beside this file pins; returns the `node_modules`. */
export async function npmInstall(name: string, dir: string): Promise<string> {
  for (const file of LOCKED) await cp(join(import.meta.dirname, name, file), join(dir, file));
  await command("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: dir });
  return join(dir, "node_modules");
}
