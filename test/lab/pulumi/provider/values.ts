import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";

/** The signatures and sentinel strings of Pulumi's wire format. */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** The engine has one sentinel for each type of unknown value. A provider treats them all the same. */
const UNKNOWN_SENTINELS = new Set([
  UNKNOWN_SENTINEL,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** A value that Pulumi encrypts in its state and hides in its output. */
export class Secret {
  readonly value: PropertyValue;
  constructor(value: PropertyValue) {
    this.value = value;
  }
}

/** A value that is known only after another resource was created. It appears in previews. */
export class Unknown {
  readonly unknown = true;
  static readonly value = new Unknown();
}

/** Any value of a resource property. */
export type PropertyValue =
  null | boolean | number | string | Secret | Unknown | readonly PropertyValue[] | PropertyMap;

/** The properties of a resource or of an object inside one. */
export interface PropertyMap {
  [key: string]: PropertyValue;
}

/** Whether `value` is an object, and not a list or a marker class. */
export function isPropertyMap(value: unknown): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown)
  );
}

/** Decodes a value from Pulumi's wire format. */
export function fromWire(value: unknown): PropertyValue {
  if (typeof value === "string") {
    return UNKNOWN_SENTINELS.has(value) ? Unknown.value : value;
  }
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value === "object" && value !== null) {
    const object = value as Record<string, unknown>;
    if (object[SIGNATURE_KEY] === SECRET_SIGNATURE) return new Secret(fromWire(object.value));
    return mapFromWire(object);
  }
  return value as PropertyValue;
}

/** Decodes an object from Pulumi's wire format. */
export function mapFromWire(object: Readonly<Record<string, unknown>>): PropertyMap {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, fromWire(value)]));
}

/** Encodes a value in Pulumi's wire format. */
export function toWire(value: PropertyValue): JavaScriptValue {
  if (value instanceof Secret) {
    return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value: toWire(value.value) };
  }
  if (value instanceof Unknown) return UNKNOWN_SENTINEL;
  if (isPropertyMap(value)) return mapToWire(value);
  if (typeof value === "object" && value !== null) return value.map(toWire);
  return value;
}

/** Encodes an object in Pulumi's wire format. Leaves out properties that are `undefined`. */
export function mapToWire(map: PropertyMap): Record<string, JavaScriptValue> {
  return Object.fromEntries(
    Object.entries(map)
      .filter(([, value]) => (value as unknown) !== undefined)
      .map(([key, value]) => [key, toWire(value)]),
  );
}

/** The value without its secret markers, at any depth. */
export function reveal(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return reveal(value.value);
  if (Array.isArray(value)) return (value as readonly PropertyValue[]).map(reveal);
  if (isPropertyMap(value)) return revealMap(value);
  return value;
}

/** The object without its secret markers, at any depth. */
export function revealMap(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, reveal(value)]));
}

/** Whether `value` contains a secret, at any depth. */
export function containsSecret(value: PropertyValue): boolean {
  return contains(value, Secret);
}

/** Whether `value` contains an unknown, at any depth. */
export function containsUnknown(value: PropertyValue): boolean {
  return contains(value, Unknown);
}

function contains(value: PropertyValue, marker: typeof Secret | typeof Unknown): boolean {
  if (value instanceof marker) return true;
  if (value instanceof Secret) return contains(value.value, marker);
  if (Array.isArray(value)) {
    return (value as readonly PropertyValue[]).some((item) => contains(item, marker));
  }
  return isPropertyMap(value) && Object.values(value).some((item) => contains(item, marker));
}
