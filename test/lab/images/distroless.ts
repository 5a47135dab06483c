import { chmod, chown, copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Progress } from "../progress.ts";
import { envoyProgram } from "../parts/envoy.ts";
import { corednsPart, localPathPart, ratelimitPart } from "../parts/programs.ts";
import type { ImageContent } from "./archive.ts";
import { command } from "../parts/command.ts";
import { debianLayers } from "./debian.ts";
import { layer, unpack, type Layer } from "./layer.ts";
import { trustLayer } from "./trust.ts";

/** The user of the distroless images. */
const NONROOT = 65532;

const LIBRARIES = /^(ld-linux-x86-64|lib(c|dl|m|pthread|resolv|rt|nss_dns|nss_files))\.so\.\d+$/;
const LIBRARY_FOLDER = "./usr/lib/x86_64-linux-gnu";

/**
 * Layers and start configuration of the image that replaces Envoy's distroless image: the same release from the package
 * registry with the C library, users and certificates; like the original it has no shell.
 */
export async function envoyImage(progress: Progress): Promise<ImageContent> {
  const program = await envoyProgram();
  const envoy = await layer(
    {
      name: "envoy",
      source: import.meta.filename,
      inputs: [basename(dirname(program))],
      async fill(root) {
        await mkdir(join(root, "usr/local/bin"), { recursive: true });
        await copyFile(program, join(root, "usr/local/bin/envoy"));
      },
    },
    progress,
  );
  return {
    layers: [await glibcLayer(progress), envoy, await trustLayer(progress)],
    config: {
      Entrypoint: ["/usr/local/bin/envoy"],
      Cmd: ["-c", "/etc/envoy/envoy.yaml"],
      User: `${NONROOT}`,
      WorkingDir: "/home/nonroot",
    },
  };
}

/** Layers and start configuration of the image that replaces CoreDNS's. As in the original, its program may bind port 53. */
export async function corednsImage(progress: Progress): Promise<ImageContent> {
  const program = join(await corednsPart(progress), "coredns");
  const coredns = await layer(
    {
      name: "coredns",
      source: import.meta.filename,
      inputs: [basename(dirname(program))],
      async fill(root) {
        const path = join(root, "coredns");
        await copyFile(program, path);
        await command("setcap", ["cap_net_bind_service=+ep", path]);
      },
    },
    progress,
  );
  return {
    layers: [await emptyLayer(progress), coredns, await trustLayer(progress)],
    config: { Entrypoint: ["/coredns"], User: "nonroot:nonroot", WorkingDir: "/" },
  };
}

/** Layers and start configuration of the image that replaces the rate limit service's. */
export async function ratelimitImage(progress: Progress): Promise<ImageContent> {
  const ratelimit = await programLayer(await ratelimitPart(progress), "ratelimit", "bin", progress);
  return {
    layers: [await emptyLayer(progress), ratelimit, await trustLayer(progress)],
    config: { Env: ["PATH=/bin"], User: `${NONROOT}`, WorkingDir: "/home/nonroot" },
  };
}

/**
 * Layers and start configuration of the image that replaces local-path-provisioner's, which is Alpine: here without the
 * shell, which the program does not use.
 */
export async function localPathImage(progress: Progress): Promise<ImageContent> {
  const name = "local-path-provisioner";
  const program = await programLayer(await localPathPart(progress), name, "usr/bin", progress);
  return {
    layers: [await emptyLayer(progress), program],
    config: { Env: ["PATH=/usr/bin"], Cmd: [name], WorkingDir: "/" },
  };
}

async function programLayer(
  part: string,
  name: string,
  folder: string,
  progress: Progress,
): Promise<Layer> {
  return layer(
    {
      name,
      source: import.meta.filename,
      inputs: [basename(part)],
      async fill(root) {
        await mkdir(join(root, folder), { recursive: true });
        await copyFile(join(part, name), join(root, folder, name));
      },
    },
    progress,
  );
}

const USERS = [
  ["root", 0, "/root"],
  ["nobody", 65534, "/nonexistent"],
  ["nonroot", NONROOT, "/home/nonroot"],
] as const;

async function fillEmpty(root: string): Promise<void> {
  await mkdir(join(root, "etc"), { recursive: true });
  const passwd = USERS.map(([name, id, home]) => `${name}:x:${id}:${id}::${home}:/sbin/nologin\n`);
  await writeFile(join(root, "etc/passwd"), passwd.join(""));
  const group = USERS.map(([name, id]) => `${name}:x:${id}:\n`);
  await writeFile(join(root, "etc/group"), group.join(""));
  await writeFile(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  await mkdir(join(root, "tmp"));
  await chmod(join(root, "tmp"), 0o1777);
  await mkdir(join(root, "home/nonroot"), { recursive: true });
  await chown(join(root, "home/nonroot"), NONROOT, NONROOT);
}

async function emptyLayer(progress: Progress): Promise<Layer> {
  return layer(
    { name: "empty", source: import.meta.filename, inputs: [], fill: fillEmpty },
    progress,
  );
}

async function glibcLayer(progress: Progress): Promise<Layer> {
  const { system } = await debianLayers(progress);
  return layer(
    {
      name: "glibc",
      source: import.meta.filename,
      inputs: [system.digest],
      async fill(root, scratch) {
        const whole = join(scratch, "whole");
        await mkdir(whole);
        await unpack([system], whole, [LIBRARY_FOLDER]);
        const libraries = (await readdir(join(whole, LIBRARY_FOLDER))).filter((name) =>
          LIBRARIES.test(name),
        );
        await unpack([system], root, [
          ...["./lib", "./lib64", "./usr/lib64", "./usr/share/zoneinfo"],
          ...libraries.map((name) => `${LIBRARY_FOLDER}/${name}`),
        ]);
        await fillEmpty(root);
      },
    },
    progress,
  );
}
