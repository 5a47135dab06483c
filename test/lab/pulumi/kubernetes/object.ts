import {
  isPropertyMap,
  Unknown,
  type PropertyMap,
  type PropertyValue,
} from "../provider/values.ts";

/** A Kubernetes object, or a draft of one that still holds unknown values; it holds no secret markers. */
export type KubeObject = PropertyMap;

/** Group, version and kind. The group of `v1` is the empty string. */
export interface ObjectType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Follows `path`; `undefined` if there is nothing. */
export function at(value: PropertyValue | undefined, ...path: string[]): PropertyValue | undefined {
  let current = value;
  for (const key of path) current = isPropertyMap(current) ? current[key] : undefined;
  return current;
}

/** The text at `path`, or the empty string. */
export function textAt(value: PropertyValue | undefined, ...path: string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The number at `path`, if there is one. */
export function numberAt(value: PropertyValue | undefined, ...path: string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" ? found : undefined;
}

/** The objects in the list at `path`. */
export function objectsAt(value: PropertyValue | undefined, ...path: string[]): PropertyMap[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? (found as PropertyValue[]).filter(isPropertyMap) : [];
}

/** Sets the value at `path` in place; says whether that was possible, which it is not inside an unknown value. */
export function setAt(object: PropertyMap, path: readonly string[], value: PropertyValue): boolean {
  const [key = "", ...rest] = path;
  if (rest.length === 0) {
    object[key] = value;
    return true;
  }
  const next = object[key] ?? {};
  if (!isPropertyMap(next)) return false;
  object[key] = next;
  return setAt(next, rest, value);
}

/** Removes what is at `path`, in place. */
export function removeAt(object: PropertyMap, ...path: string[]): void {
  const parent = at(object, ...path.slice(0, -1));
  const key = path.at(-1);
  if (isPropertyMap(parent) && key !== undefined) {
    // A property that must be absent, not undefined: objects are compared and sent key by key.
    Reflect.deleteProperty(parent, key);
  }
}

export const nameOf = (object: KubeObject): string => textAt(object, "metadata", "name");
export const namespaceOf = (object: KubeObject): string => textAt(object, "metadata", "namespace");
export const kindOf = (object: KubeObject): string => textAt(object, "kind");
export const generationOf = (object: KubeObject): number =>
  numberAt(object, "metadata", "generation") ?? 0;

/** The annotation `key`, or the empty string. */
export function annotation(object: KubeObject, key: string): string {
  return textAt(object, "metadata", "annotations", key);
}

/** Whether the object has a name, or will have one once it is known. */
export function isNamed(object: KubeObject): boolean {
  const name = at(object, "metadata", "name");
  return name instanceof Unknown || (typeof name === "string" && name !== "");
}

/** Whether `object` belongs to `owner`. */
export function isOwnedBy(object: KubeObject, owner: KubeObject | undefined): boolean {
  const uid = textAt(owner, "metadata", "uid");
  return (
    uid !== "" &&
    objectsAt(object, "metadata", "ownerReferences").some((reference) => reference.uid === uid)
  );
}

/** The condition of the given type in an object's status. */
export function condition(object: KubeObject, type: string): PropertyMap | undefined {
  return objectsAt(object, "status", "conditions").find((each) => each.type === type);
}

/** The type of an object, from its apiVersion and kind. */
export function typeOf(object: KubeObject): ObjectType {
  return { ...parseApiVersion(textAt(object, "apiVersion")), kind: kindOf(object) };
}

/** Splits `apps/v1` or `v1`. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const [first = "", second] = apiVersion.split("/");
  if (second === undefined) return { group: "", version: first };
  return { group: first === "core" ? "" : first, version: second };
}

/** The type that a Pulumi type token names, for example `kubernetes:apps/v1:Deployment`. */
export function typeOfToken(token: string): ObjectType {
  const [, module = "", kind = ""] = token.split(":");
  if (!module.includes("/")) {
    throw new Error(
      `apiVersion does not have both a group and a version: ${JSON.stringify(module)}`,
    );
  }
  return { ...parseApiVersion(module), kind };
}

/** The apiVersion of a type as objects spell it. */
export function apiVersionOf({ group, version }: ObjectType): string {
  return group === "" ? version : `${group}/${version}`;
}

/** A resource's id: `namespace/name`, or the name alone for an object of the cluster. */
export function idOf(object: KubeObject): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** Takes an id apart. */
export function parseId(id: string): { namespace: string; name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { namespace: "", name: first } : { namespace: first, name: second };
}
