import type { Progress } from "../progress.ts";
import type { ImageContent } from "./archive.ts";
import { debianLayers } from "./debian.ts";
import { SYSTEM_PATH } from "./node.ts";

/**
 * Layers and start configuration of the image that replaces Busybox, in which local-path-provisioner runs its scripts: Debian
 * with its own shell and commands.
 */
export async function helperImage(progress: Progress): Promise<ImageContent> {
  const { system } = await debianLayers(progress);
  return { layers: [system], config: { Cmd: ["sh"], Env: [`PATH=${SYSTEM_PATH}`] } };
}
