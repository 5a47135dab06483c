import { access, constants, realpath } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { kubernetesProviderPart, pulumiPart } from "../parts/programs.ts";
import type { Progress } from "../progress.ts";
import { installPlugins, sdkVersion } from "./plugins.ts";

/** The Pulumi installation in use. */
export interface Installation {
  /** The CLI. */
  readonly pulumi: string;
  /** PULUMI_HOME with plugins that were built here or are simulated; `undefined` for a real Pulumi, which has its own. */
  readonly home: string | undefined;
}

/** A real Pulumi with its Node language host if installed; otherwise Pulumi built here, with simulated plugins. */
export async function pulumiInstallation(
  home: string,
  progress: Progress,
  path: string = process.env.PATH ?? "",
): Promise<Installation> {
  const installed = await installedPulumi(path);
  if (installed !== undefined) return { pulumi: installed, home: undefined };
  // Sequential, because the provider and the engine share most of what has to be compiled.
  const engine = await pulumiPart(progress);
  const provider = await kubernetesProviderPart(await sdkVersion("kubernetes"), progress);
  await installPlugins(home, {
    pulumi: join(engine, "pulumi"),
    kubernetes: join(provider, "pulumi-resource-kubernetes"),
  });
  return { pulumi: join(home, "bin", "pulumi"), home };
}

/** The CLI on `path`, if the language host, which it needs to run a program, is on `path` or next to it. */
export async function installedPulumi(path: string): Promise<string | undefined> {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const pulumi = await firstExecutable(folders, "pulumi");
  if (pulumi === undefined) return undefined;
  const ownFolder = dirname(await realpath(pulumi));
  const host = await firstExecutable([...folders, ownFolder], "pulumi-language-nodejs");
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
