import { build } from "esbuild";
import { copyFile, link, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { part } from "../parts/store.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");

/** Each simulated resource provider: its folder here, and the SDK whose release it claims to be. */
const STAND_INS = ["gcp", "random"] as const;

/** The programs that were built from source. */
export interface BuiltPulumi {
  /** The CLI. */
  readonly pulumi: string;
  /** The Kubernetes provider. */
  readonly kubernetes: string;
}

/**
 * Builds the simulated plugins and places all plugins as the real installer does: the language host next to the CLI in
 * `bin`, and each provider in `plugins` with the release that the SDK requests. `home` is then both the installation and
 * PULUMI_HOME, and `home/bin/pulumi` finds everything without a warning that it used a plugin from PATH.
 */
export async function installPlugins(
  home: string,
  { pulumi, kubernetes }: BuiltPulumi,
): Promise<void> {
  const bundles = await pluginBundles();
  const bin = join(home, "bin");
  await mkdir(bin, { recursive: true });
  // The CLI looks for language hosts next to its own file, after resolving symbolic links.
  await rm(join(bin, "pulumi"), { force: true });
  await link(pulumi, join(bin, "pulumi")).catch(() => copyFile(pulumi, join(bin, "pulumi")));
  await writeWrapper(join(bin, "pulumi-language-nodejs"), join(bundles, "language.mjs"));
  await rm(join(home, "plugins"), { recursive: true, force: true });
  await symlink(kubernetes, await providerFile(home, "kubernetes"));
  for (const provider of STAND_INS) {
    await writeWrapper(await providerFile(home, provider), join(bundles, `${provider}.mjs`));
  }
}

/** The folder in which the engine looks for a provider. Creates it. */
async function providerFile(home: string, provider: string): Promise<string> {
  const folder = join(home, "plugins", `resource-${provider}-v${await sdkVersion(provider)}`);
  await mkdir(folder, { recursive: true });
  return join(folder, `pulumi-resource-${provider}`);
}

/** The simulated plugins, each bundled into one file: they start in a third of the time. */
async function pluginBundles(): Promise<string> {
  const folders = ["language", "provider", ...STAND_INS];
  const sources = await Promise.all(folders.map((folder) => readSources(join(HERE, folder))));
  return await part({
    name: "pulumi-plugins",
    inputs: [
      ...sources.flat(),
      await readFile(fileURLToPath(import.meta.url), "utf8"),
      await readFile(join(ROOT, "package-lock.json"), "utf8"),
    ],
    async build(dir) {
      await build({
        entryPoints: Object.fromEntries(
          ["language", ...STAND_INS].map((folder) => [folder, join(HERE, folder, "main.ts")]),
        ),
        outdir: dir,
        outExtension: { ".js": ".mjs" },
        bundle: true,
        platform: "node",
        target: "node20",
        format: "esm",
        // CommonJS dependencies in an ES module need `require`.
        banner: {
          js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
        },
        logLevel: "error",
      });
    },
  });
}

async function readSources(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(ts|json)$/.test(name))
    .sort();
  const texts = names.map((name) => readFile(join(folder, name), "utf8"));
  return [...names, ...(await Promise.all(texts))];
}

/** The release of a provider's SDK. */
export async function sdkVersion(provider: string): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve(`@pulumi/${provider}/package.json`);
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
  return version;
}

async function writeWrapper(path: string, script: string): Promise<void> {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const text = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(script)} "$@"\n`;
  await writeFile(path, text, { mode: 0o755 });
}
