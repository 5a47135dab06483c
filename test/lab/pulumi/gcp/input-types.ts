import { isPropertyMap, Secret, Unknown, type PropertyValue } from "../provider/values.ts";

/** The type of an input, as `@pulumi/gcp` declares it. */
export type InputType =
  | "any"
  | "boolean"
  | "number"
  | "string"
  | { readonly list: InputType }
  | { readonly map: InputType }
  | { readonly object: string };

/** An object type: required properties first. */
export interface ObjectType {
  readonly required: Readonly<Record<string, InputType>>;
  readonly optional: Readonly<Record<string, InputType>>;
}

/** Object types by name. A resource's own type has the resource's token as its name. */
export type InputTypes = Readonly<Record<string, ObjectType>>;

/** The problems of an object, each with the property's path, in the words of the real provider's schema check. */
export function mistakes(
  types: InputTypes,
  name: string,
  value: Readonly<Record<string, PropertyValue>>,
  path = "",
): { readonly property: string; readonly reason: string }[] {
  const type = types[name];
  if (type === undefined) throw new Error(`the simulated gcp provider does not know ${name}`);
  const at = (property: string): string => (path === "" ? property : `${path}.${property}`);
  const missing = Object.keys(type.required)
    .filter((property) => (value[property] ?? null) === null)
    .map((property) => ({
      property: at(property),
      reason: `Missing required argument: The argument "${at(property)}" is required, but no definition was found.`,
    }));
  const wrong = Object.entries(value).flatMap(([property, inner]) => {
    const wanted = type.required[property] ?? type.optional[property];
    if (wanted === undefined) {
      return [
        {
          property: at(property),
          reason: `Invalid or unknown key: An argument named "${at(property)}" is not expected here.`,
        },
      ];
    }
    return mistakesOf(types, wanted, inner, at(property));
  });
  return [...missing, ...wrong];
}

function mistakesOf(
  types: InputTypes,
  type: InputType,
  value: PropertyValue,
  path: string,
): { readonly property: string; readonly reason: string }[] {
  if (value === null || value instanceof Unknown || type === "any") return [];
  if (value instanceof Secret) return mistakesOf(types, type, value.value, path);
  const wrong = (wanted: string) => [
    { property: path, reason: `expected ${wanted} type, got ${describe(value)} type` },
  ];
  if (typeof type === "string") return typeof value === type ? [] : wrong(type);
  if ("list" in type) {
    if (!Array.isArray(value)) return wrong("array");
    return (value as readonly PropertyValue[]).flatMap((item, index) =>
      mistakesOf(types, type.list, item, `${path}[${index}]`),
    );
  }
  if (!isPropertyMap(value)) return wrong("object");
  if ("map" in type) {
    return Object.entries(value).flatMap(([key, item]) =>
      mistakesOf(types, type.map, item, `${path}.${key}`),
    );
  }
  return mistakes(types, type.object, value, path);
}

function describe(value: PropertyValue): string {
  return Array.isArray(value) ? "array" : typeof value;
}
