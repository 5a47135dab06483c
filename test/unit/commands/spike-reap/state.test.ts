import { describe, expect, it } from "vitest";
import { isPast } from "../../../../commands/spike-reap/lifetime.ts";
import { ownedObjects, parseState, spikeLifetime } from "../../../../commands/spike-reap/state.ts";
import { exported, type ExportedSpike } from "./exports.ts";

const CREATED = "2026-11-23T10:00:00.25Z";
const spike = { stack: "try", created: CREATED };

function lifetimeOf(given: ExportedSpike) {
  return spikeLifetime(parseState(exported(given)));
}

describe("a spike's lifetime", () => {
  it.each<[string, ExportedSpike, string | undefined]>([
    [
      "is counted from the creation of the stack, with the ttl of its output",
      { ...spike, ttlOutput: 3600, ttlAnnotation: "3600" },
      "2026-11-23T11:00:00.250Z",
    ],
    [
      "uses the ttl of the namespaces while there is no output",
      { ...spike, ttlAnnotation: "60" },
      "2026-11-23T10:01:00.250Z",
    ],
    [
      "uses the ttl of the output if the namespaces are gone",
      { ...spike, ttlOutput: 60 },
      "2026-11-23T10:01:00.250Z",
    ],
    [
      "uses the longer ttl if an update to a longer one failed half way",
      { ...spike, ttlOutput: 60, ttlAnnotation: "120" },
      "2026-11-23T10:02:00.250Z",
    ],
    [
      "uses the longer ttl if an update to a shorter one failed half way",
      { ...spike, ttlOutput: 120, ttlAnnotation: "60" },
      "2026-11-23T10:02:00.250Z",
    ],
    [
      "is undefined for a stack of another kind",
      { ...spike, kind: "gateway", ttlAnnotation: "60" },
      undefined,
    ],
    [
      "is undefined for another stack with an output of that name that is not a time",
      { ...spike, ttlOutput: "60" },
      undefined,
    ],
    ["is undefined for a stack without a spike's resources", spike, undefined],
  ])("%s", (_, given, expiresAt) => {
    expect(lifetimeOf(given)?.expiresAt.toISOString()).toBe(expiresAt);
  });

  it.each([
    ["an empty stack", '{"version":3,"deployment":{"manifest":{}}}'],
    ["a stack that was never deployed", '{"version":3,"deployment":null}'],
    ["a destroyed stack", '{"version":3,"deployment":{"resources":[]}}'],
  ])("is undefined for %s", (_, text) => {
    expect(spikeLifetime(parseState(text))).toBeUndefined();
  });

  it.each(["", "0", "-5", "1h", "60.5", "99999999999"])(
    "throws for the annotation %j",
    (ttlAnnotation) => {
      expect(() => lifetimeOf({ ...spike, ttlAnnotation })).toThrow(
        `its annotation claude-gateway/ttl-seconds is ${JSON.stringify(ttlAnnotation)}, not a number of seconds`,
      );
    },
  );

  it("throws without a creation time", () => {
    const state = parseState(exported({ ...spike, ttlOutput: 60 }));
    const timeless = state.map((resource) => ({ ...resource, created: undefined }));
    expect(() => spikeLifetime(timeless)).toThrow("it has no creation time");
  });

  it.each([
    ["2026-11-23T10:00:59.999Z", false],
    ["2026-11-23T10:01:00.250Z", false],
    ["2026-11-23T10:01:00.251Z", true],
  ])("at %s is over: %s", (now, over) => {
    const lives = lifetimeOf({ ...spike, ttlOutput: 60 });
    expect(lives && isPast(lives, new Date(now))).toBe(over);
  });
});

describe("what a stack owns", () => {
  it("is listed by kind and name, and contains only cluster-scoped objects", () => {
    const state = parseState(exported({ ...spike, ttlOutput: 60, ttlAnnotation: "60" }));
    expect(ownedObjects(state)).toEqual([
      "Namespace/try-gateway",
      "ValidatingAdmissionPolicy/claude-gateway-agents-try-gateway",
      "Namespace/try-agent",
    ]);
  });

  it("throws for a text that is not an export", () => {
    expect(() => parseState('{"deployment":{"resources":[{}]}}')).toThrow();
    expect(() => parseState("error: no stack named 'try' found")).toThrow();
  });
});
