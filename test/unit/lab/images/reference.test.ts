import { describe, expect, it } from "vitest";
import { recordName } from "../../../lab/images/reference.ts";

describe("the name of an image's record in containerd", () => {
  it.each([
    ["node:24.21.0-bookworm-slim", "docker.io/library/node:24.21.0-bookworm-slim"],
    ["coredns/coredns:1.14.7", "docker.io/coredns/coredns:1.14.7"],
    ["ghcr.io/berriai/litellm:v1.110.2", "ghcr.io/berriai/litellm:v1.110.2"],
    ["localhost/runner:2", "localhost/runner:2"],
    ["registry:5000/team/runner:2", "registry:5000/team/runner:2"],
    ["localhost:5000/runner", "localhost:5000/runner:latest"],
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox@sha256:aa", "docker.io/library/busybox@sha256:aa"],
    ["ghcr.io/a/b@sha256:aa", "ghcr.io/a/b@sha256:aa"],
  ])("%s is %s", (reference, name) => {
    expect(recordName(reference)).toBe(name);
  });

  it("has no tag if the reference also has a digest", () => {
    expect(recordName("envoyproxy/envoy:distroless-v1.39.1@sha256:eb2c")).toBe(
      "docker.io/envoyproxy/envoy@sha256:eb2c",
    );
  });
});
