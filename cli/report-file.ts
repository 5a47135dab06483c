import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BadInput } from "./command-line.ts";

/** The path of a file to write at the end, given as an option. Throws {@link BadInput} if its folder is missing. */
export function reportFile(option: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const folder = dirname(resolve(file));
  if (!existsSync(folder)) {
    throw new BadInput(
      `${option} ${file}: there is no folder ${folder}. Make it: mkdir -p ${folder}`,
    );
  }
  return file;
}
