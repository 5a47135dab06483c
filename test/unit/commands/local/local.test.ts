import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { parseOptions } from "../../../../commands/local/options.ts";
import { renderSummary } from "../../../../commands/local/summary.ts";

const STACKS = join(import.meta.dirname, "../../../../stacks");

describe("the default path", () => {
  it.each(["gateway", "local", "spike"])("is envoy in the shipped file of stack %s", (stack) => {
    const { config } = parse(readFileSync(join(STACKS, `Pulumi.${stack}.yaml`), "utf8")) as {
      config: Record<string, unknown>;
    };
    expect(config["claude-gateway:gateway"]).toEqual({ path: "envoy" });
  });

  it("comes from that file in npm run local, and an option selects another", () => {
    expect(parseOptions([], {}).gateway).toBeUndefined();
    expect(parseOptions(["--gateway", "shim"], {}).gateway).toBe("shim");
  });

  it.each([
    ["envoy", "shim"],
    ["litellm", "envoy"],
  ])("the summary of path %s suggests %s as the next path", (path, next) => {
    const summary = renderSummary({
      ...{ target: "the embedded cluster", baseUrl: "http://gateway:8080/anthropic" },
      ...{ gatewayPath: path, namespace: "dev-e", turns: [], steps: [] },
    });
    expect(summary).toContain(`Gateway   path ${path} on the embedded cluster\n`);
    expect(summary).toMatch(
      new RegExp(`^ {2}npm run local -- --gateway ${next} +switch to another path$`, "m"),
    );
  });
});
