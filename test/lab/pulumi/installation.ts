import { access, constants, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { kubernetesProviderPart, pulumiPart } from "../parts/programs.ts";
import type { Progress } from "../progress.ts";
import { installPlugins, sdkVersion } from "./plugins.ts";

/** Which Pulumi runs. */
export interface Installation {
  /** The CLI. */
  readonly pulumi: string;
  /** PULUMI_HOME with the plugins, built here or stand-ins; `undefined` where a real Pulumi brings its own. */
  readonly home: string | undefined;
}

/** A real Pulumi with its Node language host where there is one, else what is built here, with our stand-ins. */
export async function pulumiInstallation(
  home: string,
  progress: Progress,
  path: string = process.env.PATH ?? "",
): Promise<Installation> {
  const installed = await installedPulumi(path);
  if (installed !== undefined) return { pulumi: installed, home: undefined };
  // One after the other: most of what the provider is made of is compiled for the engine.
  const engine = await pulumiPart(progress);
  const provider = await kubernetesProviderPart(await sdkVersion("kubernetes"), progress);
  await installPlugins(home, {
    pulumi: join(engine, "pulumi"),
    kubernetes: join(provider, "pulumi-resource-kubernetes"),
  });
  return { pulumi: join(home, "bin", "pulumi"), home };
}

/** The CLI on `path`, if the language host, without which it runs no program, lies on `path` or next to it. */
export async function installedPulumi(path: string): Promise<string | undefined> {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const pulumi = await firstExecutable(folders, "pulumi");
  if (pulumi === undefined) return undefined;
  const beside = dirname(await realpath(pulumi));
  const host = await firstExecutable([...folders, beside], "pulumi-language-nodejs");
  return host === undefined ? undefined : pulumi;
}

async function firstExecutable(
  folders: readonly string[],
  name: string,
): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
