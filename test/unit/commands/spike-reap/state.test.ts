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
      "counts from the creation of the stack, to its output",
      { ...spike, ttlOutput: 3600, ttlAnnotation: "3600" },
      "2026-11-23T11:00:00.250Z",
    ],
    [
      "is that of the namespaces while there is no output",
      { ...spike, ttlAnnotation: "60" },
      "2026-11-23T10:01:00.250Z",
    ],
    [
      "is that of the output when the namespaces are gone",
      { ...spike, ttlOutput: 60 },
      "2026-11-23T10:01:00.250Z",
    ],
    [
      "is the longer one when an update that was to lengthen it failed half way",
      { ...spike, ttlOutput: 60, ttlAnnotation: "120" },
      "2026-11-23T10:02:00.250Z",
    ],
    [
      "is the longer one when an update that was to shorten it failed half way",
      { ...spike, ttlOutput: 120, ttlAnnotation: "60" },
      "2026-11-23T10:02:00.250Z",
    ],
    [
      "is none for a stack of another kind",
      { ...spike, kind: "gateway", ttlAnnotation: "60" },
      undefined,
    ],
    [
      "is none for a stack whose output of that name is no time",
      { ...spike, ttlOutput: "60" },
      undefined,
    ],
    ["is none for a stack with nothing of a spike in it", spike, undefined],
  ])("%s", (_, given, expiresAt) => {
    expect(lifetimeOf(given)?.expiresAt.toISOString()).toBe(expiresAt);
  });

  it.each([
    ["an empty stack", '{"version":3,"deployment":{"manifest":{}}}'],
    ["a stack that was never deployed", '{"version":3,"deployment":null}'],
    ["a destroyed stack", '{"version":3,"deployment":{"resources":[]}}'],
  ])("is none for %s", (_, text) => {
    expect(spikeLifetime(parseState(text))).toBeUndefined();
  });

  it.each(["", "0", "-5", "1h", "60.5", "99999999999"])(
    "cannot be read from %j",
    (ttlAnnotation) => {
      expect(() => lifetimeOf({ ...spike, ttlAnnotation })).toThrow(
        `its annotation claude-gateway/ttl-seconds is ${JSON.stringify(ttlAnnotation)}, not a number of seconds`,
      );
    },
  );

  it("cannot be told without a creation time", () => {
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
  it("is told by kind and name, and only what lies in no namespace", () => {
    const state = parseState(exported({ ...spike, ttlOutput: 60, ttlAnnotation: "60" }));
    expect(ownedObjects(state)).toEqual([
      "Namespace/try-gateway",
      "ValidatingAdmissionPolicy/claude-gateway-agents-try-gateway",
      "Namespace/try-agent",
    ]);
  });

  it("is an error to read from anything but an export", () => {
    expect(() => parseState('{"deployment":{"resources":[{}]}}')).toThrow();
    expect(() => parseState("error: no stack named 'try' found")).toThrow();
  });
});
