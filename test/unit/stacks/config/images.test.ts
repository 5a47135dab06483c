import { describe, expect, test } from "vitest";
import { OAUTH, gateway, parse, refusal, rejects } from "./stack.ts";

rejects([
  [
    "a floating LiteLLM",
    { images: { litellm: "ghcr.io/berriai/litellm:main-stable" } },
    /^ {2}images\.litellm = .* has no exact release: name one/,
  ],
  [
    "an adapter-only LiteLLM",
    { images: { litellm: "ghcr.io/berriai/litellm:main-v1.52.0-stable" } },
    /has no \/anthropic\/\{endpoint\} passthrough/,
  ],
  [
    "a wrapping LiteLLM, bare",
    { images: { litellm: "ghcr.io/berriai/litellm:v1.91.0" } },
    /wraps upstream errors .* use path shim/,
  ],
  [
    "a leaking LiteLLM, bare",
    { images: { litellm: "ghcr.io/berriai/litellm:v1.102.4" } },
    /forwards the agent's own token/,
  ],
  [
    "a LiteLLM of unknown release",
    { images: { litellm: `ghcr.io/berriai/litellm@sha256:${"a".repeat(64)}` } },
    /does not say which release it is/,
  ],
  [
    "a floating Envoy",
    { images: { envoy: "envoyproxy/envoy:latest" } },
    /^ {2}images\.envoy = .* has no exact tag or digest/,
  ],
  [
    "no image reference",
    { images: { node: "not an image" } },
    /^ {2}images\.node = "not an image" is not an image reference/,
  ],
]);

describe("LiteLLM releases behind the shim", () => {
  test.each(["v1.91.0", "v1.102.4", "main-v1.61.20-stable"])("%s is accepted", (tag) => {
    const images = { litellm: `ghcr.io/berriai/litellm:${tag}` };
    expect(parse({ ...gateway, gateway: { path: "shim" }, images })).toMatchObject({ images });
  });

  test("an OAuth credential needs a release that merges the beta header", () => {
    const credential = { kind: "oauth", value: OAUTH };
    const images = { litellm: "ghcr.io/berriai/litellm:v1.108.0" };
    expect(refusal({ ...gateway, credential, images })[0]).toContain("(fixed by 1.109.0)");
    expect(parse({ ...gateway, credential })).toMatchObject({ credential });
    // Behind Envoy, LiteLLM does not have the token, and Envoy adds the header.
    const shim = { path: "shim" };
    expect(parse({ ...gateway, gateway: shim, credential, images })).toMatchObject({ credential });
  });
});
