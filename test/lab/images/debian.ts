import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { part } from "../parts/store.ts";
import { command } from "../parts/command.ts";
import { seal, sealedLayer, sources, type Layer } from "./layer.ts";

/** Debian 12 in layers, each based on the one before. */
export interface DebianLayers {
  /** The base system of all images except the distroless ones. */
  readonly system: Layer;
  readonly python: Layer;
  /** Tools that a working agent expects; based on `python`. */
  readonly tools: Layer;
  /** Redis; based on `tools`. */
  readonly redis: Layer;
}

const RELEASE = "bookworm";

const SYSTEM = ["ca-certificates", "tzdata"];

// Avoids the package that would merge the folders of an old system, and Perl, which it needs.
const MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr";

/** Debian packages of the runner besides Python; the shipped Containerfile installs the same. */
export const runnerPackages = ["ca-certificates", "curl", "git", "openssl", "procps", "python3"];

const STAGES = {
  system: [],
  python: ["python3"],
  tools: runnerPackages,
  // The package with the server contains only a link to a program of this one.
  redis: ["redis-tools"],
} as const satisfies Record<keyof DebianLayers, readonly string[]>;

const UNREAD = ["doc", "info", "locale", "man"];

/** Debian's layers. If the cache does not have them, one run of mmdebstrap creates them. */
export async function debianLayers(progress: Progress): Promise<DebianLayers> {
  const stage = join(import.meta.dirname, "debian-stage.sh");
  const dir = await part({
    name: "debian",
    inputs: await sources(import.meta.filename, stage),
    build: (dir) =>
      progress.step("Making image layers of Debian 12", async () => {
        const hooks = Object.entries(STAGES).map(
          ([name, packages]) =>
            `--customize-hook=sh '${stage}' "$1" '${dir}' ${name} ${packages.join(" ")}`,
        );
        await command("mmdebstrap", [
          ...["--quiet", "--variant=minbase", `--include=${SYSTEM.join(",")}`],
          `--hook-dir=${MERGED_USR}`,
          ...UNREAD.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
          ...['--aptopt=APT::Install-Recommends "false"', ...hooks, "--format=null", RELEASE, "-"],
        ]);
        for (const name of Object.keys(STAGES)) await seal(join(dir, `${name}.tar`));
      }),
  });
  const [system, python, tools, redis] = await Promise.all(
    ["system", "python", "tools", "redis"].map((name) => sealedLayer(join(dir, `${name}.tar`))),
  );
  if (!system || !python || !tools || !redis) throw new Error(`${dir}: a layer is missing`);
  return { system, python, tools, redis };
}
