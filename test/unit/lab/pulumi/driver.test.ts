import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { installedPulumi } from "../../../lab/pulumi/installation.ts";
import { configFile, mirrorProject } from "../../../lab/pulumi/project.ts";
import { run } from "../../../lab/pulumi/run.ts";

const folder = mkdtempSync(join(tmpdir(), "driver-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function programs(name: string, ...files: string[]): string {
  const dir = join(folder, name);
  mkdirSync(dir);
  for (const file of files) {
    writeFileSync(join(dir, file), "");
    chmodSync(join(dir, file), 0o755);
  }
  return dir;
}

describe("a real Pulumi", () => {
  it("is found only with its language host, next to it or on PATH", async () => {
    const whole = programs("whole", "pulumi", "pulumi-language-nodejs");
    const half = programs("half", "pulumi");
    const host = programs("host", "pulumi-language-nodejs");
    expect(await installedPulumi(`/nowhere:${whole}`)).toBe(join(whole, "pulumi"));
    expect(await installedPulumi(half)).toBeUndefined();
    expect(await installedPulumi(`${host}:${half}`)).toBe(join(half, "pulumi"));
    expect(await installedPulumi(host)).toBeUndefined();
  });
});

describe("a project's double", () => {
  it("runs the same program with its own stack files", async () => {
    const source = join(folder, "clone");
    mkdirSync(join(source, "stacks"), { recursive: true });
    writeFileSync(join(source, "stacks/index.ts"), "program");
    writeFileSync(join(source, "package.json"), "{}");
    const manifest =
      "name: thing\nmain: stacks/index.ts\nstackConfigDir: stacks\nruntime: nodejs\n";
    writeFileSync(join(source, "Pulumi.yaml"), manifest);
    for (let turn = 0; turn < 2; turn++) {
      const project = await mirrorProject(source, join(folder, "double"));
      expect(project.name).toBe("thing");
      expect(configFile(project, "s")).toBe(join(folder, "double/config/Pulumi.s.yaml"));
      expect(readFileSync(join(project.dir, "Pulumi.yaml"), "utf8")).toBe(
        manifest.replace("stackConfigDir: stacks", "stackConfigDir: config"),
      );
      expect(realpathSync(join(project.dir, "stacks/index.ts"))).toBe(
        realpathSync(join(source, "stacks/index.ts")),
      );
    }
    expect(readFileSync(join(source, "Pulumi.yaml"), "utf8")).toBe(manifest);
  });
});

describe("a command", () => {
  const sh = (script: string, rest: Partial<Parameters<typeof run>[0]> = {}) =>
    run({ argv: ["sh", "-c", script], cwd: folder, env: process.env, ...rest });

  it("gets its input, and its output is returned and passed on", async () => {
    let seen = "";
    const ended = await sh("cat; echo oops >&2; exit 3", {
      input: "value",
      onOutput: (text) => (seen += text),
    });
    expect(ended).toEqual({ exitCode: 3, stdout: "value", stderr: "oops\n" });
    expect([seen.includes("value"), seen.includes("oops")]).toEqual([true, true]);
  });

  it("is interrupted once, and is waited for until its last process has ended", async () => {
    const abort = new AbortController();
    // The wrapper ends at the interrupt. Its child cleans up first.
    const child = "trap 'echo cleaned; exit 0' INT; echo up; while :; do sleep 0.05; done";
    const wrapper = `require("child_process").spawn("sh", ["-c", ${JSON.stringify(child)}], {stdio: "inherit"})`;
    const ended = await run({
      argv: [process.execPath, "-e", wrapper],
      cwd: folder,
      env: process.env,
      signal: abort.signal,
      onOutput(text) {
        if (text.includes("up")) abort.abort();
      },
    });
    expect(ended).toEqual({ exitCode: null, stdout: "up\ncleaned\n", stderr: "" });
  });

  it("does not start after an interrupt", async () => {
    await expect(sh("true", { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
  });
});
