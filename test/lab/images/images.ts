import { images as production } from "../../../stacks/versions.ts";
import type { Progress } from "../progress.ts";
import { archive, imageDigest, type Image, type ImageContent } from "./archive.ts";
import { command } from "../parts/command.ts";
import { localPathVersion } from "../parts/programs.ts";
import { corednsImage, envoyImage, localPathImage, ratelimitImage } from "./distroless.ts";
import { helperImage } from "./helper.ts";
import { litellmImage } from "./litellm.ts";
import { nodeImage } from "./node.ts";
import { recordName } from "./reference.ts";
import { claudeCodeVersion, runnerImage } from "./runner.ts";
import { valkeyImage } from "./valkey.ts";

/** A LiteLLM release that does not relay upstream errors unchanged; see test/lab/parts/python. */
const OLD_LITELLM = "ghcr.io/berriai/litellm:v1.91.0";

const BUILDERS = {
  coredns: corednsImage,
  envoy: envoyImage,
  litellm: (progress: Progress) => litellmImage("litellm", progress),
  "litellm-1.91.0": (progress: Progress) => litellmImage("litellm-1.91.0", progress),
  "local-path-helper": helperImage,
  "local-path-provisioner": localPathImage,
  node: nodeImage,
  ratelimit: ratelimitImage,
  runner: runnerImage,
  valkey: valkeyImage,
} as const satisfies Record<string, (progress: Progress) => Promise<ImageContent>>;

/** An image that the lab can build. */
export type ImageName = keyof typeof BUILDERS;

/** The image names in deployments: the production names, if there are any. */
export async function imageReference(name: ImageName): Promise<string> {
  switch (name) {
    case "litellm-1.91.0":
      return OLD_LITELLM;
    case "local-path-helper":
      return "rancher/mirrored-library-busybox:1.37.0";
    case "local-path-provisioner":
      return `rancher/local-path-provisioner:v${await localPathVersion()}`;
    case "runner":
      return `localhost/claude-gateway-runner:${await claudeCodeVersion()}`;
    default:
      return production[name];
  }
}

/** Builds images, or takes their layers from the cache. */
export async function buildImages(
  names: readonly ImageName[],
  progress: Progress,
): Promise<Image[]> {
  const images: Image[] = [];
  // Sequential: each build uses the whole machine, and they share layers.
  for (const name of names) {
    const content = await BUILDERS[name](progress);
    images.push({ name: recordName(await imageReference(name)), ...content });
  }
  return images;
}

/** Imports the images that containerd does not have. `ctr` is its command line with address and namespace. */
export async function importImages(
  ctr: readonly [string, ...string[]],
  images: readonly Image[],
): Promise<void> {
  const [name, ...args] = ctr;
  const present = digests(await command(name, [...args, "images", "list"]));
  const missing = images.filter((image) => present.get(image.name) !== imageDigest(image));
  if (missing.length === 0) return;
  await command(name, [...args, "images", "import", "-"], { input: archive(missing) });
}

// Columns REF, TYPE and DIGEST, below a header line.
function digests(list: string): Map<string, string> {
  const rows = list
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/));
  return new Map(rows.map(([reference = "", , digest = ""]) => [reference, digest]));
}
