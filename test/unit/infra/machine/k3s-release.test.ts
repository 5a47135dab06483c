import { describe, expect, it } from "vitest";

import { releaseLine, upgradeProblem } from "../../../../infra/machine/k3s-release.ts";
import { UPGRADE_CASES } from "./upgrade-cases.ts";

describe("upgradeProblem", () => {
  it.each(UPGRADE_CASES)("judges $from -> $to", ({ from, to, refusal }) => {
    const expected = refusal === undefined ? undefined : `${from} -> ${to} ${refusal}`;
    expect(upgradeProblem(from, to)?.slice(0, expected?.length)).toBe(expected);
  });

  it("throws for a text that is not a release", () => {
    expect(() => upgradeProblem("v1.36", "v1.36.3+k3s1")).toThrow('"v1.36" is not a k3s release');
  });
});

it("puts version and checksum in one value", () => {
  expect(releaseLine({ version: "v1.36.3+k3s1", sha256: "ab" })).toBe("v1.36.3+k3s1 ab");
});
