import { execFile, spawn } from "node:child_process";
import { copyFile, readFile, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Progress, Status } from "../progress.ts";
import { part } from "./store.ts";

/** One program of the lab that is compiled from a Go module of this repository. */
export interface GoProgram {
  /** Name of the part and of the program in it. */
  readonly name: string;
  /** Folder of the module; its go.mod and go.sum pin everything that goes into the program. */
  readonly moduleDir: string;
  /** Package to compile; `"."` for the module's own. */
  readonly package: string;
  /** String variables that the linker sets: the version that the program reports. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Further names that the program is called by, as symlinks beside it. */
  readonly aliases?: readonly string[];
  /** Files of required modules that the program reads beside itself: name → module and path in it. */
  readonly files?: Readonly<Record<string, { readonly module: string; readonly path: string }>>;
}

/** Settings of `go` by which every part is compiled. */
export const GO_ENV = {
  // Without C a program runs in any image, and building it needs no compiler but Go's own.
  CGO_ENABLED: "0",
  // A clone that belongs to another user is no repository to git, and then the build would fail.
  GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
  GOWORK: "off",
};

/** The arguments of `go` that compile a program into the file `output`. */
export function goBuildArguments(program: GoProgram, output: string): string[] {
  const variables = Object.entries(program.variables ?? {}).map(([k, v]) => `-X ${k}=${v}`);
  return [
    "build",
    "-v",
    "-ldflags",
    ["-s -w", ...variables].join(" "),
    "-o",
    output,
    program.package,
  ];
}

/** The files of a module that go into its program, sorted; tests do not. */
export async function goSources(moduleDir: string): Promise<string[]> {
  const entries = await readdir(moduleDir, { recursive: true });
  return entries
    .filter((file) => /(^|\/)(go\.mod|go\.sum)$|\.go$/.test(file) && !file.endsWith("_test.go"))
    .sort();
}

/** Compiles a Go program, unless the cache has it, and returns the folder it is in. */
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
      "The lab compiles its programs with Go 1.21 or later, and `go` is not to be run here: install it " +
        "(Debian 12: apt-get install -t bookworm-backports golang-go) and put it on PATH",
      { cause: error },
    );
  }
}

/** Where Go keeps the contents of a module that is required. */
async function moduleFolder(moduleDir: string, module: string): Promise<string> {
  const list = ["list", "-m", "-f", "{{.Dir}}", module];
  const env = { ...process.env, ...GO_ENV };
  const { stdout } = await promisify(execFile)("go", list, { cwd: moduleDir, env });
  return stdout.trim();
}

/** Runs `go build`; with -v it names each package on stderr, which tells how far it is. */
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
