import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { pipInputs, pipInstall } from "../parts/python/pip.ts";
import type { ImageContent } from "./archive.ts";
import { command } from "../parts/command.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack, type Layer } from "./layer.ts";
import { SYSTEM_PATH } from "./node.ts";
import { PYTHON_TRUST, trustLayer } from "./trust.ts";

const VENV = "app/.venv";

/** The package lists in test/lab/parts/python, and the Python function behind each release's command. */
const RELEASES = {
  litellm: "litellm_cli.main:proxy_server",
  "litellm-1.91.0": "litellm:run_server",
} as const;

/** A LiteLLM release that the lab can run. */
export type LiteLlmRelease = keyof typeof RELEASES;

/** Like the official image's, without the tracers and the second process, which are not enabled here. */
const ENTRYPOINT = '#!/bin/sh\nexec litellm "$@"\n';

/**
 * Layers and start configuration of the image that replaces the official one: the same release from the package registry
 * at the official path (/app/.venv), with Debian's Python 3.11 instead of Wolfi's and without Prisma.
 */
export async function litellmImage(
  release: LiteLlmRelease,
  progress: Progress,
): Promise<ImageContent> {
  const { system, python } = await debianLayers(progress);
  return {
    layers: [
      system,
      python,
      await litellmLayer(release, [system, python], progress),
      await trustLayer(progress),
    ],
    config: {
      Entrypoint: ["docker/prod_entrypoint.sh"],
      Cmd: ["--port", "4000"],
      Env: [`PATH=/${VENV}/bin:${SYSTEM_PATH}`, PYTHON_TRUST],
      WorkingDir: "/app",
    },
  };
}

async function litellmLayer(
  release: LiteLlmRelease,
  below: readonly Layer[],
  progress: Progress,
): Promise<Layer> {
  const launcher = launch(RELEASES[release]);
  return layer(
    {
      name: release,
      source: import.meta.filename,
      inputs: [...(await pipInputs(release)), ...below.map((l) => l.digest)],
      async fill(root, scratch) {
        const whole = join(scratch, "whole");
        const packages = join(whole, VENV, "lib/python3.11/site-packages");
        await mkdir(packages, { recursive: true });
        await unpack(below, whole);
        await pipInstall(release, packages);
        // Their first line contains the path of this machine's Python.
        await rm(join(packages, "bin"), { recursive: true });
        const bin = join(whole, VENV, "bin");
        await mkdir(bin);
        await symlink("/usr/bin/python3", join(bin, "python3"));
        await writeFile(join(whole, VENV, "pyvenv.cfg"), "home = /usr/bin\n");
        await writeFile(join(bin, "litellm"), launcher, { mode: 0o755 });
        await mkdir(join(whole, "app/docker"));
        await writeFile(join(whole, "app/docker/prod_entrypoint.sh"), ENTRYPOINT, { mode: 0o755 });
        await compile(whole);
        await rename(join(whole, "app"), join(root, "app"));
      },
    },
    progress,
  );
}

function launch(entryPoint: string): string {
  const [module, name] = entryPoint.split(":");
  return `#!/${VENV}/bin/python3\nimport sys\nfrom ${module} import ${name}\nsys.exit(${name}())\n`;
}

// Compiled with the image's own Python. The sources do not change, so the hash is never checked. The compiler's worker
// processes need /dev/shm.
async function compile(whole: string): Promise<void> {
  const compileAll = "python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash";
  await command("unshare", [
    ...["--mount", "sh", "-c"],
    `mkdir -p "$0/dev/shm" && mount -t tmpfs tmpfs "$0/dev/shm" && chroot "$0" ${compileAll} /${VENV}/lib`,
    whole,
  ]);
}
