import { z } from "zod";

/** The parts of an image reference: `registry/name:tag@sha256:…`. */
export interface ImageReference {
  readonly name: string;
  readonly tag?: string;
  readonly digest?: string;
}

const REFERENCE =
  /^(?<name>[a-z0-9]+(?:[._-][a-z0-9]+)*(?::\d+(?=\/))?(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** Splits an image reference; `undefined` when it is not valid. */
export function parseImageReference(reference: string): ImageReference | undefined {
  const groups = REFERENCE.exec(reference)?.groups;
  if (groups?.name === undefined) return undefined;
  return {
    name: groups.name,
    ...(groups.tag !== undefined && { tag: groups.tag }),
    ...(groups.digest !== undefined && { digest: groups.digest }),
  };
}

/** Tags that move: which release runs would depend on when the node pulled the image. */
const FLOATING_TAG = /^(latest|stable|lts|main|main-(?!v\d).*|.*-latest|nightly|edge|dev)$/;

/** Whether the reference has neither an exact tag nor a digest. */
export function isFloating({ tag, digest }: ImageReference): boolean {
  if (digest !== undefined) return false;
  return tag === undefined || FLOATING_TAG.test(tag);
}

/** An image reference with any tag or none. */
export const Image = z.string().refine((value) => parseImageReference(value) !== undefined, {
  message: 'is not an image reference: write "registry/name:tag", optionally with "@sha256:…"',
});

/** An image reference with an exact tag or a digest. */
export const PinnedImage = Image.refine(
  (value) => {
    const reference = parseImageReference(value);
    return reference === undefined || !isFloating(reference);
  },
  { message: "has no exact tag or digest: add one, so that every node runs the same release" },
);
