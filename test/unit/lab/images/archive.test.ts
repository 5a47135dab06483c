import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { archive, imageDigest, type Image } from "../../../lab/images/archive.ts";
import { seal, sealedLayer, type Layer } from "../../../lab/images/layer.ts";

const run = promisify(execFile);
const sha256 = (content: Buffer) => createHash("sha256").update(content).digest("hex");

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "archive-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function layerOf(name: string, content: Buffer): Promise<Layer> {
  const path = join(dir, name);
  await writeFile(path, content);
  await seal(path);
  return sealedLayer(path);
}

async function images(): Promise<[Image, Image]> {
  const below = await layerOf("below", Buffer.alloc(1500, "b"));
  const above = await layerOf("above", Buffer.alloc(512, "a"));
  return [
    { name: "docker.io/library/one:1", layers: [below], config: { Cmd: ["one"] } },
    { name: "docker.io/library/two:1", layers: [below, above], config: { User: "1000" } },
  ];
}

async function unpacked(...all: Image[]): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of archive(all)) chunks.push(chunk);
  await writeFile(join(dir, "archive.tar"), Buffer.concat(chunks));
  const target = await mkdtemp(join(dir, "unpacked-"));
  await run("tar", ["-xf", join(dir, "archive.tar"), "-C", target]);
  return target;
}

async function json(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8"));
}

describe("an OCI archive", () => {
  it("contains every blob under its digest, and the shared layer once", async () => {
    const target = await unpacked(...(await images()));
    const names = await readdir(join(target, "blobs/sha256"));
    // Two layers, and a manifest and a configuration for each image.
    expect(names).toHaveLength(6);
    for (const name of names)
      expect(sha256(await readFile(join(target, "blobs/sha256", name)))).toBe(name);
    const { stdout } = await run("tar", ["-tf", join(dir, "archive.tar")]);
    expect(stdout.trim().split("\n")).toHaveLength(8);
  });

  it("names the images in its index and is marked as a layout", async () => {
    const [one, two] = await images();
    const target = await unpacked(one, two);
    expect(await json(join(target, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(await json(join(target, "index.json"))).toEqual({
      schemaVersion: 2,
      manifests: [one, two].map((image) => ({
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: imageDigest(image),
        size: expect.any(Number) as number,
        annotations: { "io.containerd.image.name": image.name },
      })),
    });
  });

  it("describes an image's layers, lowest first, and how it starts", async () => {
    const [, two] = await images();
    const target = await unpacked(two);
    const blob = (digest: string) => join(target, "blobs", digest.replace(":", "/"));
    const manifest = (await json(blob(imageDigest(two)))) as {
      config: { digest: string; size: number };
      layers: { mediaType: string; digest: string; size: number }[];
    };
    expect(manifest.layers).toEqual(
      two.layers.map(({ digest, size }) => ({
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest,
        size,
      })),
    );
    expect(manifest.layers.map(({ size }) => size)).toEqual([1500, 512]);
    const config = await readFile(blob(manifest.config.digest));
    expect(config).toHaveLength(manifest.config.size);
    expect(JSON.parse(config.toString())).toEqual({
      created: "1970-01-01T00:00:00Z",
      architecture: "amd64",
      os: "linux",
      config: { User: "1000" },
      rootfs: { type: "layers", diff_ids: two.layers.map(({ digest }) => digest) },
    });
  });

  it("changes an image's digest only when a layer or its start configuration changes", async () => {
    const [one, two] = await images();
    expect(imageDigest({ ...one, name: "docker.io/library/other:1" })).toBe(imageDigest(one));
    expect(imageDigest({ ...one, config: { Cmd: ["other"] } })).not.toBe(imageDigest(one));
    expect(imageDigest({ ...one, layers: two.layers })).not.toBe(imageDigest(one));
  });
});
