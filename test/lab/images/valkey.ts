/**
 * The image of Valkey is a stand-in: neither Debian 12 nor PyPI nor npm has Valkey. It contains Debian's Redis 7.0, from
 * which Valkey was forked, under Valkey's names. The commands, options and files that the deployment uses are the same:
 * counters that expire, `INFO`, and an append-only file. Different are the version that it reports (7.0.15), the names
 * `redis_…` in `INFO`, and that it knows no option that Valkey added.
 */
import { appendFile, chmod, chown, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import type { ImageContent } from "./archive.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack } from "./layer.ts";
import { SYSTEM_PATH } from "./node.ts";

/** The official image's user and group. */
const VALKEY = 999;

/** Like the official image: an option or a configuration file is passed to the server, which does not run as root. */
const ENTRYPOINT = `#!/bin/sh
set -e
if [ "\${1#-}" != "$1" ] || [ "\${1%.conf}" != "$1" ]; then set -- valkey-server "$@"; fi
if [ "$1" = valkey-server ] && [ "$(id -u)" = 0 ]; then
  find . \\! -user valkey -exec chown valkey '{}' +
  exec setpriv --reuid=valkey --regid=valkey --clear-groups -- "$0" "$@"
fi
exec "$@"
`;

/** Where Redis's programs are in Debian, and Valkey's name for each. */
const PROGRAMS = { "redis-check-rdb": "valkey-server", "redis-cli": "valkey-cli" } as const;

const LIBRARIES = "usr/lib/x86_64-linux-gnu";

/** Layers and start configuration of the image that replaces `valkey/valkey`. */
export async function valkeyImage(progress: Progress): Promise<ImageContent> {
  const { system, redis } = await debianLayers(progress);
  const valkey = await layer(
    {
      name: "valkey",
      source: import.meta.filename,
      inputs: [system.digest, redis.digest],
      async fill(root) {
        const programs = Object.keys(PROGRAMS).map((name) => `./usr/bin/${name}`);
        await unpack([redis], root, [`./${LIBRARIES}`, ...programs]);
        const bin = join(root, "usr/local/bin");
        await mkdir(bin, { recursive: true });
        for (const [debian, own] of Object.entries(PROGRAMS))
          await rename(join(root, "usr/bin", debian), join(bin, own));
        await writeFile(join(bin, "docker-entrypoint.sh"), ENTRYPOINT);
        await chmod(join(bin, "docker-entrypoint.sh"), 0o755);
        await unpack([system], root, ["./etc/passwd", "./etc/group"]);
        const user = `valkey:x:${VALKEY}:${VALKEY}::/home/valkey:/bin/sh\n`;
        await appendFile(join(root, "etc/passwd"), user);
        await appendFile(join(root, "etc/group"), `valkey:x:${VALKEY}:\n`);
        await mkdir(join(root, "data"));
        await chown(join(root, "data"), VALKEY, VALKEY);
      },
    },
    progress,
  );
  return {
    layers: [system, valkey],
    config: {
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["valkey-server"],
      Env: [`PATH=${SYSTEM_PATH}`],
      WorkingDir: "/data",
    },
  };
}
