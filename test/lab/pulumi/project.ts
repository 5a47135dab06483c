import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";

/** Folder of the copied stack files, inside the copy of the project. */
const CONFIG_DIR = "config";

/** A copy of the project: the same program with the same name, but with its own stack files. */
export interface Project {
  readonly name: string;
  readonly dir: string;
}

/**
 * Creates a folder that Pulumi sees as the project. It contains only links to the real project, except for the stack files.
 * In the real folder, `pulumi stack init` would write a salt into a tracked file, whatever --config-file says, and
 * `pulumi stack rm` would delete that file. `program` runs instead of the project's own program.
 */
export async function mirrorProject(
  source: string,
  dir: string,
  program?: string,
): Promise<Project> {
  const manifest = parse(await readFile(join(source, "Pulumi.yaml"), "utf8")) as {
    name: string;
    main: string;
  };
  await mkdir(join(dir, CONFIG_DIR), { recursive: true });
  const main = program ?? manifest.main;
  await writeFile(
    join(dir, "Pulumi.yaml"),
    stringify({ ...manifest, main, stackConfigDir: CONFIG_DIR }),
  );
  const [folder = ""] = relative(source, join(source, dirname(main))).split("/");
  for (const entry of [folder, "package.json", "node_modules"]) {
    const link = join(dir, entry);
    await rm(link, { force: true });
    await symlink(join(source, entry), link);
  }
  return { name: manifest.name, dir };
}

/** The copy of a stack's file. */
export function configFile(project: Project, stack: string): string {
  return join(project.dir, CONFIG_DIR, `Pulumi.${stack}.yaml`);
}
