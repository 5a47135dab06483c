import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { StackFile } from "../../../../commands/images/stack-file.ts";
import { renderTerminal } from "../../../../commands/images/terminal.ts";

const OTHER = `sha256:${"0".repeat(64)}`;

describe("a stack's file", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "images-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("gets the images, and keeps the rest with its comments", async () => {
    const file = join(folder, "Pulumi.s.yaml");
    writeFileSync(
      file,
      "# ours\nconfig:\n  claude-gateway:kind: gateway # the kind\n  claude-gateway:images:\n    runner: r:1\n",
    );
    const stack = new StackFile(folder, "s");
    expect(stack.images).toEqual({ runner: "r:1" });
    await stack.write({ envoy: `envoy:1@${OTHER}` });
    expect(readFileSync(file, "utf8")).toBe(
      `# ours\nconfig:\n  claude-gateway:kind: gateway # the kind\n  claude-gateway:images:\n    runner: r:1\n    envoy: envoy:1@${OTHER}\n`,
    );
  });

  it("gets a first image", async () => {
    const file = join(folder, "Pulumi.s.yaml");
    writeFileSync(file, "config:\n  claude-gateway:kind: gateway\n");
    await new StackFile(folder, "s").write({ node: "node:1" });
    expect(new StackFile(folder, "s").images).toEqual({ node: "node:1" });
  });

  it("has to exist", () => {
    expect(() => new StackFile(folder, "t")).toThrow(/there is no file .*Pulumi\.t\.yaml/);
  });

  it("is not needed to be told what to type", () => {
    expect(
      renderTerminal(
        [
          { key: "envoy", image: "e:1", pinned: `e:2@${OTHER}`, note: "newer than 1" },
          { key: "node", image: "n:1", pinned: "n:1" },
          { key: "valkey", image: "v:1", problem: "v:1: the registry has no tag 1: look" },
        ],
        "prod",
      ),
    ).toBe(
      `✓ envoy     e:2@${OTHER}, newer than 1
✓ node      n:1
✗ valkey    v:1: the registry has no tag 1: look

To pin them:
pulumi config set --path images.envoy e:2@${OTHER} -s prod
`,
    );
  });
});
