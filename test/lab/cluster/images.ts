import { copyFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Image } from "../images/archive.ts";
import { buildImages, type ImageName, importImages } from "../images/images.ts";
import { layer } from "../images/layer.ts";
import { recordName } from "../images/reference.ts";
import { pausePart } from "../parts/programs.ts";
import type { Progress } from "../progress.ts";
import { CONTAINERD_SOCKET } from "./differences.ts";
import type { Lab } from "./lab.ts";
import { PAUSE_IMAGE } from "./node.ts";
import { enterCommand, runningSandbox } from "./sandbox.ts";

/** Images of what k3s brings. */
const CLUSTER_IMAGES: readonly ImageName[] = [
  "coredns",
  "local-path-helper",
  "local-path-provisioner",
];

/** Builds the images that the cluster itself needs and the named images, or takes them from the cache. */
export async function labImages(names: readonly ImageName[], progress: Progress): Promise<Image[]> {
  const all = [...new Set<ImageName>([...CLUSTER_IMAGES, ...names])].sort();
  return [await pauseImage(progress), ...(await buildImages(all, progress))];
}

/** Imports the images that the lab's containerd does not have. */
export async function importIntoLab(lab: Lab, images: readonly Image[]): Promise<void> {
  await importImages(ctr(lab), images);
}

/** The `ctr` command line, from outside the lab, for the images that the kubelet sees. */
export function ctr(lab: Lab): [string, ...string[]] {
  const command = ["ctr", `--address=${CONTAINERD_SOCKET}`, "--namespace=k8s.io"];
  return enterCommand(runningSandbox(lab), command, { netns: "node", cwd: "/" });
}

async function pauseImage(progress: Progress): Promise<Image> {
  const program = join(await pausePart(progress), "pause");
  const only = await layer(
    {
      name: "pause",
      source: import.meta.filename,
      inputs: [basename(dirname(program))],
      fill: (root) => copyFile(program, join(root, "pause")),
    },
    progress,
  );
  const config = { Entrypoint: ["/pause"], User: "65535:65535" };
  return { name: recordName(PAUSE_IMAGE), layers: [only], config };
}
