import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { GeneratedResource } from "../provider/generated.ts";
import { Secret, type PropertyMap, type PropertyValue } from "../provider/values.ts";
import { randomId, randomString, type Alphabet } from "./generate.ts";

/** What distinguishes one kind of random resource from another. */
export interface RandomResource extends GeneratedResource {
  /** The inputs with defaults for what the user left out. */
  defaults(inputs: PropertyMap): PropertyMap;
  /** Generates the outputs. `id` is the resource's id. */
  generate(inputs: PropertyMap): { id: string; outputs: PropertyMap };
}

/** An input of every kind: a change of it generates a new value. */
const KEEPERS = { keepers: "object" } as const;

const STRING_INPUTS = {
  ...KEEPERS,
  length: "number",
  lower: "boolean",
  minLower: "number",
  upper: "boolean",
  minUpper: "number",
  number: "boolean",
  numeric: "boolean",
  minNumeric: "number",
  special: "boolean",
  minSpecial: "number",
  overrideSpecial: "string",
} as const;

const stringResource = {
  inputs: STRING_INPUTS,
  required: ["length"],
  defaults(inputs: PropertyMap): PropertyMap {
    // `number` is the deprecated name of `numeric`. If either is given, both have its value.
    const numeric = inputs.numeric ?? inputs.number ?? true;
    return {
      lower: true,
      minLower: 0,
      upper: true,
      minUpper: 0,
      minNumeric: 0,
      special: true,
      minSpecial: 0,
      ...inputs,
      number: numeric,
      numeric,
    };
  },
  validate(inputs: PropertyMap): { property: string; reason: string } | undefined {
    const least = ["minLower", "minUpper", "minNumeric", "minSpecial"]
      .map((name) => inputs[name] as number)
      .reduce((sum, minimum) => sum + minimum, 0);
    const length = inputs.length as number;
    if (length < 1)
      return { property: "length", reason: `length must be at least 1, got: ${length}` };
    if (length < least) {
      return {
        property: "length",
        reason: `length must be at least the sum of minLower, minUpper, minNumeric and minSpecial (${least}), got: ${length}`,
      };
    }
    return undefined;
  },
};

function draw(inputs: PropertyMap): string {
  return randomString({ overrideSpecial: "", ...inputs } as unknown as Alphabet);
}

function atLeastOne(property: string): RandomResource["validate"] {
  return (inputs) => {
    const value = inputs[property] as number;
    return value < 1
      ? { property, reason: `${property} must be at least 1, got: ${value}` }
      : undefined;
  };
}

const same = (inputs: PropertyMap): PropertyMap => inputs;
const secret = (value: PropertyValue): Secret => new Secret(value);

/** Every resource that the simulated provider knows, by type token. */
export const RANDOM_RESOURCES: Readonly<Record<string, RandomResource>> = {
  "random:index/randomPassword:RandomPassword": {
    ...stringResource,
    computed: ["result"],
    generate: (inputs) => ({ id: "none", outputs: { result: secret(draw(inputs)) } }),
  },
  "random:index/randomString:RandomString": {
    ...stringResource,
    computed: ["result"],
    generate(inputs) {
      const result = draw(inputs);
      return { id: result, outputs: { result } };
    },
  },
  "random:index/randomId:RandomId": {
    inputs: { ...KEEPERS, byteLength: "number", prefix: "string" },
    required: ["byteLength"],
    computed: ["b64Std", "b64Url", "dec", "hex"],
    defaults: same,
    validate: atLeastOne("byteLength"),
    generate(inputs) {
      const { id = "", ...outputs } = randomId(
        inputs.byteLength as number,
        (inputs.prefix ?? "") as string,
      );
      return { id, outputs };
    },
  },
  "random:index/randomBytes:RandomBytes": {
    inputs: { ...KEEPERS, length: "number" },
    required: ["length"],
    computed: ["base64", "hex"],
    defaults: same,
    validate: atLeastOne("length"),
    generate(inputs) {
      const bytes = randomBytes(inputs.length as number);
      const base64 = bytes.toString("base64");
      // The original too puts the secret bytes into the id, which is stored unencrypted.
      return {
        id: base64,
        outputs: { base64: secret(base64), hex: secret(bytes.toString("hex")) },
      };
    },
  },
  "random:index/randomUuid:RandomUuid": {
    inputs: KEEPERS,
    required: [],
    computed: ["result"],
    defaults: same,
    validate: () => undefined,
    generate() {
      const result = randomUUID();
      return { id: result, outputs: { result } };
    },
  },
  "random:index/randomInteger:RandomInteger": {
    inputs: { ...KEEPERS, min: "number", max: "number", seed: "string" },
    required: ["min", "max"],
    computed: ["result"],
    defaults: same,
    validate(inputs) {
      if (inputs.seed !== undefined) {
        return {
          property: "seed",
          reason: "the simulated random provider cannot reproduce a seeded sequence",
        };
      }
      if ((inputs.max as number) < (inputs.min as number)) {
        return { property: "min", reason: "min needs to be smaller than or equal to max" };
      }
      return undefined;
    },
    generate(inputs) {
      const result = randomInt(inputs.min as number, (inputs.max as number) + 1);
      return { id: String(result), outputs: { result } };
    },
  },
};
