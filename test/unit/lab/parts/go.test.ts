import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { goBuildArguments, goSources } from "../../../lab/parts/go.ts";
import { requiredVersion } from "../../../lab/parts/programs.ts";

let module: string;
beforeEach(async () => {
  module = await mkdtemp(join(tmpdir(), "go-test-"));
});
afterEach(async () => {
  await rm(module, { recursive: true });
});

test("a program's version is set by the linker, and it is stripped", () => {
  const program = {
    name: "p",
    moduleDir: "/m",
    package: "example.com/p",
    variables: { "a.Version": "v1", "a.Major": "1" },
  };
  expect(goBuildArguments(program, "/out/p")).toEqual([
    "build",
    "-v",
    "-gcflags=all=-dwarf=false",
    "-ldflags",
    "-s -w -X a.Version=v1 -X a.Major=1",
    "-o",
    "/out/p",
    "example.com/p",
  ]);
});

test("a program's inputs are its module files and the sources in every folder, without tests", async () => {
  await mkdir(join(module, "inner"));
  for (const file of [
    "go.mod",
    "go.sum",
    "main.go",
    "main_test.go",
    "inner/a.go",
    "inner/a_test.go",
    "README.md",
  ])
    await writeFile(join(module, file), "");
  expect(await goSources(module)).toEqual(["go.mod", "go.sum", "inner/a.go", "main.go"]);
});

test("the version of a module is read from either form of go.mod", async () => {
  const goMod = "module m\n\nrequire a.b/c v1.2.3\n\nrequire (\n\ta.b/d v4.5.6 // indirect\n)\n";
  await writeFile(join(module, "go.mod"), goMod);
  expect(await requiredVersion(module, "a.b/c")).toBe("1.2.3");
  expect(await requiredVersion(module, "a.b/d")).toBe("4.5.6");
  await expect(requiredVersion(module, "a.b")).rejects.toThrow("does not require a.b");
});
