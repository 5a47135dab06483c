import { parseImageReference } from "../../components/schema/image.ts";
import { newestTag } from "./newest.ts";
import { placeOf } from "./reference.ts";
import { RegistryError, Repository, Unreachable } from "./registry.ts";

/** What was found out about an image. */
export interface Finding {
  /** Its key in the configuration. */
  readonly key: string;
  /** As the stack deploys it now. */
  readonly image: string;
  /** With the digest, of the newest release if that was asked for. Default: it could not be found. */
  readonly pinned?: string;
  /** What a person should know, and no fault. */
  readonly note?: string;
  readonly signature?: "valid" | "missing or not valid";
  readonly problem?: string;
  /** The registry could not be reached, so that nothing is known. */
  readonly unreachable?: true;
}

export interface LookUp {
  readonly newer: boolean;
  /** Throws {@link RegistryError} if the image's vendor did not sign this digest. Default: it signs nothing. */
  readonly checkSignature?: (digest: string) => Promise<void>;
}

/** Asks the image's registry. Never throws for what a registry answers. */
export async function lookUp(
  key: string,
  image: string,
  { newer, checkSignature }: LookUp,
): Promise<Finding> {
  const found = { key, image };
  let pinned: string | undefined;
  try {
    const { note, ...target } = await resolve(image, newer);
    ({ pinned } = target);
    await checkSignature?.(target.digest);
    return {
      ...found,
      pinned,
      ...(note !== undefined && { note }),
      ...(checkSignature !== undefined && { signature: "valid" as const }),
    };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return {
      ...found,
      ...(pinned !== undefined && { signature: "missing or not valid" as const }),
      problem: `${image}: ${error.message}`,
      ...(error instanceof Unreachable && { unreachable: true as const }),
    };
  }
}

async function resolve(
  image: string,
  newer: boolean,
): Promise<{ readonly pinned: string; readonly digest: string; readonly note?: string }> {
  const { name, tag, digest: configured } = parseImageReference(image) ?? { name: image };
  const repository = new Repository(placeOf(image));
  const newest = newer && tag !== undefined ? newestTag(tag, await repository.tags()) : undefined;
  if (newest !== undefined) {
    const digest = await digestOf(repository, newest);
    return { pinned: `${name}:${newest}@${digest}`, digest, note: `newer than ${tag}` };
  }
  const current = tag === undefined ? undefined : await digestOf(repository, tag);
  if (configured === undefined || configured === current) {
    const digest = current ?? (await digestOf(repository, "latest"));
    return { pinned: `${name}:${tag ?? "latest"}@${digest}`, digest };
  }
  // The deployed image is the configured one, whatever its tag has become.
  await digestOf(repository, configured);
  return newer && current !== undefined
    ? { pinned: `${name}:${tag}@${current}`, digest: current, note: "built again" }
    : {
        pinned: image,
        digest: configured,
        ...(current !== undefined && { note: `the tag is ${current} now: --newer takes it` }),
      };
}

async function digestOf(repository: Repository, reference: string): Promise<string> {
  const manifest = await repository.manifest(reference);
  if (manifest === undefined) {
    throw new RegistryError(
      reference.startsWith("sha256:")
        ? "the registry has no image with this digest: pin one that it has"
        : `the registry has no tag ${reference}: look at the name and the tag`,
    );
  }
  return manifest.digest;
}
