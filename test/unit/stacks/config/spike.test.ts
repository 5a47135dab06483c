import { describe, expect, test } from "vitest";
import { parse, refusal, spike, type Sections } from "./stack.ts";

describe("a spike", () => {
  test.each([
    ["without a runner image", { images: {} }, "docker build --platform"],
    [
      "with a bad time to live",
      { spike: { ttl: "1 day" } },
      'spike.ttl = "1 day" is not a duration',
    ],
    ["with agents of its own", { agents: [{ name: "a" }] }, "agents is not a key"],
    [
      "with a namespace of its own",
      { gateway: { path: "litellm", namespace: "x" } },
      "gateway.namespace",
    ],
  ] as [string, Sections, string][])("is rejected %s", (_, change, text) => {
    expect(refusal({ ...spike, ...change }).join("\n")).toContain(text);
  });

  test("is rejected if its stack name cannot be part of a namespace's name", () => {
    expect(refusal(spike, "my_spike").join("\n")).toContain("pulumi stack rename");
    expect(refusal(spike, "x".repeat(60)).join("\n")).toContain("longer than 55");
  });

  test("may use a floating LiteLLM tag", () => {
    const images = { runner: "r.example/claude:1", litellm: "ghcr.io/berriai/litellm:main-stable" };
    expect(parse({ ...spike, images })).toMatchObject({ images });
  });
});
