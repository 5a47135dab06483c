import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";

/** Where the copies of the stack files lie, inside the project's double. */
const CONFIG_DIR = "config";

/** The project's double: the same program under the same name, with stack files of its own. */
export interface Project {
  readonly name: string;
  readonly dir: string;
}

/**
 * Makes a folder that is the project to Pulumi and holds nothing but links to the real one, except the stack
 * files. With the real folder, `pulumi stack init` would write a salt into a tracked file, whatever --config-file
 * says, and `pulumi stack rm` would delete it.
 */
export async function mirrorProject(source: string, dir: string): Promise<Project> {
  const manifest = parse(await readFile(join(source, "Pulumi.yaml"), "utf8")) as {
    name: string;
    main: string;
  };
  await mkdir(join(dir, CONFIG_DIR), { recursive: true });
  await writeFile(join(dir, "Pulumi.yaml"), stringify({ ...manifest, stackConfigDir: CONFIG_DIR }));
  const [program = ""] = relative(source, join(source, dirname(manifest.main))).split("/");
  for (const entry of [program, "package.json", "node_modules"]) {
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
