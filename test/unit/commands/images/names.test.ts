import { describe, expect, it } from "vitest";

import { UsageError } from "../../../../cli/command-line.ts";
import { parseChallenge } from "../../../../commands/images/challenge.ts";
import { newestTag } from "../../../../commands/images/newest.ts";
import { parseOptions } from "../../../../commands/images/options.ts";
import { placeOf } from "../../../../commands/images/reference.ts";
import { parseImageReference } from "../../../../components/schema/image.ts";
import { images } from "../../../../stacks/versions.ts";

describe("names, tags and options", () => {
  it.each([
    ["node:24", "https://registry-1.docker.io", "library/node"],
    ["docker.io/node:24", "https://registry-1.docker.io", "library/node"],
    ["envoyproxy/envoy:v1", "https://registry-1.docker.io", "envoyproxy/envoy"],
    ["ghcr.io/berriai/litellm:v1", "https://ghcr.io", "berriai/litellm"],
    ["localhost:5000/a/b:v1", "http://localhost:5000", "a/b"],
    ["registry.example.com:8443/a:v1", "https://registry.example.com:8443", "a"],
  ])("%s is at %s", (image, registry, repository) => {
    expect(placeOf(image)).toEqual({ registry, repository });
  });

  it.each([
    ["1.14.7", ["1.14.8", "1.15.0", "2.0.0", "v1.16.0"], "1.15.0"],
    [
      "24.21.0-bookworm-slim",
      ["24.22.0", "24.22.0-bookworm-slim", "26.0.0-bookworm-slim"],
      "24.22.0-bookworm-slim",
    ],
    [
      "distroless-v1.40.0",
      ["v1.41.0", "distroless-v1.40.2", "distroless-v1.40-latest"],
      "distroless-v1.40.2",
    ],
    ["v1.110.2", ["v1.111.0-dev.3", "v1.110.10", "v1.9.0"], "v1.110.10"],
    ["3fb70258", ["99999999", "1.2.3"], undefined],
    ["1.2.3", ["1.2.2", "1.2.3"], undefined],
  ])("the newest like %s of %j is %s", (tag, tags, newest) => {
    expect(newestTag(tag, tags)).toBe(newest);
  });

  it("a challenge is read, whatever the order of its parts", () => {
    expect(parseChallenge('Bearer scope="a:b",realm="https://x/token"')).toEqual({
      realm: "https://x/token",
      scope: "a:b",
    });
    expect(parseChallenge('Basic realm="x"')).toBeUndefined();
    expect(parseChallenge('Bearer service="x"')).toBeUndefined();
  });

  it("--write needs a stack", () => {
    expect(() => parseOptions(["--write"])).toThrow(
      new UsageError("--write needs --stack: whose file to write"),
    );
    expect(parseOptions(["--stack", "a", "--newer"])).toEqual({
      ...{ stack: "a", newer: true, write: false, json: undefined },
    });
  });

  it("shipped digests are whole", () => {
    for (const image of Object.values(images))
      expect(parseImageReference(image)?.tag).toBeDefined();
  });
});
