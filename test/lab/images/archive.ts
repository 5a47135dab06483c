import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Layer } from "./layer.ts";

/** The part of an image's configuration that says how its container starts. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
}

/** An image: its layers, lowest first, and how it starts. */
export interface ImageContent {
  readonly layers: readonly Layer[];
  readonly config: ImageConfig;
}

/** An image with its names. */
export interface Image extends ImageContent {
  /** Name of the record in containerd; see `recordName`. */
  readonly name: string;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Document extends Blob {
  readonly content: Buffer;
}

const MEDIA = "application/vnd.oci.image";

/** The digest by which containerd identifies an image: its manifest's. */
export function imageDigest(image: Image): string {
  return documents(image).manifest.digest;
}

/** An OCI archive of the images, as a stream that contains every blob once. */
export async function* archive(images: readonly Image[]): AsyncGenerator<Buffer> {
  const described = images.map((image) => ({ image, ...documents(image) }));
  yield* file("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  const written = new Set<string>();
  for (const { image, manifest, config } of described) {
    for (const { content, digest } of [manifest, config]) {
      if (!written.has(digest)) yield* file(blobPath(digest), content);
      written.add(digest);
    }
    for (const { path, digest, size } of image.layers) {
      if (written.has(digest)) continue;
      written.add(digest);
      yield header(blobPath(digest), size);
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
        yield chunk as Buffer;
      yield padding(size);
    }
  }
  const manifests = described.map(({ image, manifest: { mediaType, digest, size } }) => ({
    ...{ mediaType, digest, size },
    annotations: { "io.containerd.image.name": image.name },
  }));
  yield* file("index.json", json({ schemaVersion: 2, manifests }));
  yield Buffer.alloc(1024);
}

function documents(image: Image): { manifest: Document; config: Document } {
  const config = document(`${MEDIA}.config.v1+json`, {
    created: "1970-01-01T00:00:00Z",
    architecture: "amd64",
    os: "linux",
    config: image.config,
    rootfs: { type: "layers", diff_ids: image.layers.map((layer) => layer.digest) },
  });
  const manifest = document(`${MEDIA}.manifest.v1+json`, {
    schemaVersion: 2,
    mediaType: `${MEDIA}.manifest.v1+json`,
    config: { mediaType: config.mediaType, digest: config.digest, size: config.size },
    layers: image.layers.map(({ digest, size }) => ({
      mediaType: `${MEDIA}.layer.v1.tar`,
      digest,
      size,
    })),
  });
  return { manifest, config };
}

function document(mediaType: string, value: unknown): Document {
  const content = json(value);
  const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  return { mediaType, digest, size: content.length, content };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function* file(path: string, content: Buffer): Generator<Buffer> {
  yield header(path, content.length);
  yield content;
  yield padding(content.length);
}

// A ustar header's checksum is computed with the checksum field filled with spaces.
function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  block.write(path, 0, 100);
  block.write(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  block.write(`${octal(size, 11)}\0${octal(0, 11)}\0`, 124);
  block.write("        0", 148);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}
