import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../../progress.ts";
import { command } from "../command.ts";
import { part } from "../store.ts";

/** Everything that determines what `pipInstall` installs, as inputs of a part. */
export async function pipInputs(name: string): Promise<string[]> {
  return [await readFile(requirements(name), "utf8")];
}

/**
 * Installs what `<name>.txt` next to this file pins by hash, for Debian 12's Python 3.11, whatever Python the machine has.
 * The list is complete, so pip resolves no dependencies.
 */
export async function pipInstall(name: string, target: string): Promise<void> {
  await command("python3", [
    ...["-m", "pip", "install", "--quiet", "--root-user-action=ignore", "--no-compile"],
    ...["--no-deps", "--require-hashes", "--only-binary=:all:"],
    ...["--implementation=cp", "--python-version=3.11", ...platforms()],
    ...["--target", target, "--requirement", requirements(name)],
  ]);
}

/** A folder with the packages that `<name>.txt` next to this file pins. */
export async function pipPart(name: string, progress: Progress): Promise<string> {
  return part({
    name: `pip-${name}`,
    inputs: await pipInputs(name),
    build: (dir) => progress.step(`Installing ${name}`, () => pipInstall(name, dir)),
  });
}

function requirements(name: string): string {
  return join(import.meta.dirname, `${name}.txt`);
}

// pip installs a wheel for an older C library only if its tag is listed. Debian 12 has glibc 2.36.
function platforms(): string[] {
  const minors = Array.from({ length: 36 - 5 + 1 }, (_, index) => 36 - index);
  const tags = [...minors.map((minor) => `manylinux_2_${minor}`), "manylinux2014"];
  return tags.map((tag) => `--platform=${tag}_x86_64`);
}
