import { describe, expect, it } from "vitest";
import {
  containsSecret,
  containsUnknown,
  mapFromWire,
  mapToWire,
  revealMap,
  Secret,
  Unknown,
} from "../../../../lab/pulumi/provider/values.ts";

const wire = {
  plain: "text",
  none: null,
  list: [1, { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: "s" }],
  unknown: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
};
const read = {
  plain: "text",
  none: null,
  list: [1, new Secret("s")],
  unknown: Unknown.value,
};

describe("property values", () => {
  it("are decoded and encoded without a change", () => {
    expect(mapFromWire(wire)).toEqual(read);
    expect(mapToWire(read)).toEqual(wire);
  });

  it("lose only their secret markers when secrets are removed", () => {
    expect(revealMap(read)).toEqual({ ...read, list: [1, "s"] });
  });

  it("are searched for markers at any depth", () => {
    expect(containsSecret({ a: [{ b: new Secret(1) }] })).toBe(true);
    expect(containsSecret({ a: [{ b: 1 }] })).toBe(false);
    expect(containsUnknown({ a: new Secret([Unknown.value]) })).toBe(true);
    expect(containsUnknown({ a: new Secret([1]) })).toBe(false);
  });
});
