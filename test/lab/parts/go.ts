import { execFile, spawn } from "node:child_process";
import { copyFile, readFile, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Progress, Status } from "../progress.ts";
import { part } from "./store.ts";

/** A program of the lab that is compiled from a Go module of this repository. */
export interface GoProgram {
  /** Name of the part and of the program in it. */
  readonly name: string;
  /** Folder of the module. Its go.mod and go.sum pin everything in the program. */
  readonly moduleDir: string;
  /** Package to compile; `"."` for the module's root package. */
  readonly package: string;
  /** Build tags. Default none. */
  readonly tags?: readonly string[];
  /** String variables that the linker sets: the version that the program reports. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Other names of the program, created as symlinks next to it. */
  readonly aliases?: readonly string[];
  /** Files from required modules that the program reads next to itself: name → module and path in it. */
  readonly files?: Readonly<Record<string, { readonly module: string; readonly path: string }>>;
}

/** Settings of `go` for all parts. */
export const GO_ENV = {
  // Without cgo, a program runs in any image, and only Go's compiler is needed.
  CGO_ENABLED: "0",
  // Git rejects a clone that belongs to another user, and then the build would fail.
  GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
  GOWORK: "off",
};

/** The `go` arguments that compile a program into the file `output`. */
export function goBuildArguments(program: GoProgram, output: string): string[] {
  const variables = Object.entries(program.variables ?? {}).map(([k, v]) => `-X ${k}=${v}`);
  return [
    "build",
    "-v",
    // Nobody debugs these programs, and without DWARF the compiler is some 7 % faster.
    "-gcflags=all=-dwarf=false",
    ...(program.tags === undefined ? [] : ["-tags", program.tags.join(",")]),
    "-ldflags",
    ["-s -w", ...variables].join(" "),
    "-o",
    output,
    program.package,
  ];
}

/** The files of a module that are part of its program, sorted. Tests are not. */
export async function goSources(moduleDir: string): Promise<string[]> {
  const entries = await readdir(moduleDir, { recursive: true });
  return entries
    .filter((file) => /(^|\/)(go\.mod|go\.sum)$|\.go$/.test(file) && !file.endsWith("_test.go"))
    .sort();
}

/** Compiles a Go program unless the cache has it. Returns its folder. */
export async function goPart(program: GoProgram, progress: Progress): Promise<string> {
  const { name, moduleDir } = program;
  const aliases = program.aliases ?? [];
  const files = program.files ?? {};
  const sources = await goSources(moduleDir);
  const contents = sources.map((file) => readFile(join(moduleDir, file), "utf8"));
  return part({
    name,
    inputs: [
      ...(await Promise.all(contents)),
      await goVersion(moduleDir),
      JSON.stringify([sources, goBuildArguments(program, name), aliases, GO_ENV]),
      ...Object.entries(files).map((file) => JSON.stringify(file)),
    ],
    async build(dir) {
      await progress.step(`Compiling ${name}`, (status) =>
        compile(program, join(dir, name), status),
      );
      for (const alias of aliases) await symlink(name, join(dir, alias));
      for (const [file, { module, path }] of Object.entries(files))
        await copyFile(join(await moduleFolder(moduleDir, module), path), join(dir, file));
    },
  });
}

async function goVersion(moduleDir: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("go", ["env", "GOVERSION"], { cwd: moduleDir });
    return stdout.trim();
  } catch (error) {
    throw new Error(
      "The lab compiles its programs with Go 1.21 or later, but `go` cannot be run here: install Go " +
        "(Debian 12: apt-get install -t bookworm-backports golang-go) and put it on PATH",
      { cause: error },
    );
  }
}

/** The folder with the contents of a required module. */
async function moduleFolder(moduleDir: string, module: string): Promise<string> {
  const list = ["list", "-m", "-f", "{{.Dir}}", module];
  const env = { ...process.env, ...GO_ENV };
  const { stdout } = await promisify(execFile)("go", list, { cwd: moduleDir, env });
  return stdout.trim();
}

/** Runs `go build -v`, which prints each package on stderr; this is the progress. */
async function compile(program: GoProgram, output: string, status: Status): Promise<void> {
  const go = spawn("go", goBuildArguments(program, output), {
    cwd: program.moduleDir,
    env: { ...process.env, ...GO_ENV },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lastLines: string[] = [];
  let packages = 0;
  createInterface(go.stderr).on("line", (line) => {
    lastLines.push(line);
    if (lastLines.length > 20) lastLines.shift();
    if (line.startsWith("go: downloading")) status(line.slice("go: ".length));
    else status(`${++packages} packages compiled`);
  });
  const code = await new Promise((resolve, reject) => go.on("error", reject).on("close", resolve));
  if (code !== 0) throw new Error(`go build of ${program.name} failed:\n${lastLines.join("\n")}`);
}
