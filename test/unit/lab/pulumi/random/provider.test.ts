import { describe, expect, it } from "vitest";
import { Secret, Unknown, type PropertyMap } from "../../../../lab/pulumi/provider/values.ts";
import { randomProvider } from "../../../../lab/pulumi/random/provider.ts";

const provider = randomProvider("4.0.0");
const PASSWORD = "random:index/randomPassword:RandomPassword";

const identity = (type: string) => ({ urn: `urn:pulumi:s::p::${type}::n`, type, name: "n" });
const create = (type: string, inputs: PropertyMap, preview = false) =>
  provider.create({ ...identity(type), inputs, preview, timeoutSeconds: 0 });
const check = async (type: string, news: PropertyMap) =>
  (await provider.check({ ...identity(type), olds: {}, news, randomSeed: new Uint8Array() }))
    .failures;
const diff = (type: string, oldInputs: PropertyMap, news: PropertyMap) =>
  provider.diff({ ...identity(type), id: "x", olds: {}, oldInputs, news, ignoreChanges: [] });

function secretText(value: unknown): string {
  expect(value).toBeInstanceOf(Secret);
  return (value as Secret).value as string;
}

describe("RandomPassword", () => {
  it("generates a secret with the requested length and classes, each time another one", async () => {
    const inputs = { length: 40, special: false, minNumeric: 30 };
    const texts = new Set<string>();
    for (let turn = 0; turn < 20; turn++) {
      const { id, properties } = await create(PASSWORD, inputs);
      const text = secretText(properties.result);
      expect(id).toBe("none");
      expect(text).toMatch(/^[a-zA-Z0-9]{40}$/);
      expect(text.replace(/[^0-9]/g, "").length).toBeGreaterThanOrEqual(30);
      texts.add(text);
    }
    expect(texts.size).toBe(20);
  });

  it("fills in the original's defaults, but only in the outputs", async () => {
    const { properties } = await create(PASSWORD, { length: 8 });
    expect({ ...properties, result: undefined }).toEqual({
      ...{ id: "none", length: 8, result: undefined },
      ...{ lower: true, upper: true, number: true, numeric: true, special: true },
      ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
    });
  });

  it("uses only the given special characters", async () => {
    const inputs = {
      length: 30,
      lower: false,
      upper: false,
      numeric: false,
      overrideSpecial: "_~",
    };
    expect(secretText((await create(PASSWORD, inputs)).properties.result)).toMatch(/^[_~]{30}$/);
  });

  it("is unknown in a preview", async () => {
    const { id, properties } = await create(PASSWORD, { length: 8 }, true);
    expect(id).toBe("");
    expect(properties.result).toBe(Unknown.value);
  });

  it("is replaced by any change of an input, keepers included, and by nothing else", async () => {
    const old = { length: 8, keepers: { a: "1" } };
    expect(await diff(PASSWORD, old, { ...old, numeric: true })).toMatchObject({
      changes: false,
      replaces: [],
    });
    expect(await diff(PASSWORD, old, { ...old, keepers: { a: "2" } })).toMatchObject({
      changes: true,
      replaces: ["keepers"],
    });
    expect(await diff(PASSWORD, old, { ...old, length: new Secret(9) })).toMatchObject({
      replaces: ["length"],
    });
    expect((await diff(PASSWORD, old, { length: 8 })).detailedDiff?.get("keepers")).toEqual({
      kind: "delete",
      replace: true,
      inputDiff: true,
    });
  });

  it.each([
    [{}, "length", "Missing required property 'length'"],
    [{ length: "8" }, "length", "Expected a number, got a string"],
    [{ length: 0 }, "length", "length must be at least 1, got: 0"],
    [{ length: 8, lenght: 1 }, "lenght", 'An unexpected argument "lenght" was provided'],
  ])("refuses %j", async (inputs, property, reason) => {
    expect(await check(PASSWORD, inputs)).toEqual([{ property, reason }]);
  });

  it("rejects minimums that exceed the length, and accepts an unknown length", async () => {
    expect(await check(PASSWORD, { length: 3, minLower: 2, minUpper: 2 })).toHaveLength(1);
    expect(await check(PASSWORD, { length: Unknown.value, minLower: 2 })).toEqual([]);
  });
});

describe("the other random resources", () => {
  it("RandomString is its own id and not a secret", async () => {
    const { id, properties } = await create("random:index/randomString:RandomString", {
      length: 9,
    });
    expect(id).toHaveLength(9);
    expect(properties.result).toBe(id);
  });

  it("RandomId has one number in four forms, with the prefix", async () => {
    const inputs = { byteLength: 4, prefix: "p-" };
    const { id, properties } = await create("random:index/randomId:RandomId", inputs);
    const hex = (properties.hex as string).slice(2);
    expect(properties.hex).toMatch(/^p-[0-9a-f]{8}$/);
    expect(id).toBe(Buffer.from(hex, "hex").toString("base64url"));
    expect(properties.b64Url).toBe(`p-${id}`);
    expect(properties.b64Std).toBe(`p-${Buffer.from(hex, "hex").toString("base64")}`);
    expect(properties.dec).toBe(`p-${Number.parseInt(hex, 16)}`);
  });

  it("RandomBytes are secret in both forms", async () => {
    const { properties } = await create("random:index/randomBytes:RandomBytes", { length: 32 });
    expect(Buffer.from(secretText(properties.base64), "base64").toString("hex")).toBe(
      secretText(properties.hex),
    );
    expect(secretText(properties.hex)).toHaveLength(64);
  });

  it("RandomInteger stays within both bounds", async () => {
    const drawn = new Set<unknown>();
    for (let turn = 0; turn < 50; turn++) {
      const inputs = { min: 3, max: 4 };
      const made = await create("random:index/randomInteger:RandomInteger", inputs);
      drawn.add(made.properties.result);
    }
    expect([...drawn].sort()).toEqual([3, 4]);
  });

  it("RandomUuid is a UUID of version 4", async () => {
    const { id, properties } = await create("random:index/randomUuid:RandomUuid", {});
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(properties.result).toBe(id);
  });

  it("an unknown resource is rejected with the list of known ones", async () => {
    await expect(async () => create("random:index/randomPet:RandomPet", {})).rejects.toThrow(
      /does not know random:index\/randomPet:RandomPet; it knows .*RandomPassword/,
    );
  });

  it("a read returns the state, because the value is stored nowhere else", async () => {
    const state = { id: "x", properties: { result: "x" }, inputs: { length: 1 } };
    expect(await provider.read({ ...identity(PASSWORD), ...state })).toEqual(state);
  });
});
