import {
  containsUnknown,
  isPropertyMap,
  type PropertyMap,
  type PropertyValue,
} from "../provider/values.ts";
import { isCustomResourceDefinition, isSecret } from "./kinds.ts";
import { removeAt, type KubeObject } from "./object.ts";
import { holdsQuantities, sameQuantity } from "./quantity.ts";

/** What only the API server writes. */
const READ_ONLY_METADATA = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/** Inputs in the one form in which they are sent, stored and compared. Returns a new object. */
export function normalizeInputs(inputs: KubeObject): KubeObject {
  const object = structuredCopy(inputs);
  if (!containsUnknown(object)) {
    if (isSecret(object)) normalizeSecret(object);
    if (isCustomResourceDefinition(object)) removeAt(object, "status");
  }
  for (const field of READ_ONLY_METADATA) removeAt(object, "metadata", field);
  return object;
}

/** The API server turns `stringData` into `data`, and base64 into its plain form. */
function normalizeSecret(secret: KubeObject): void {
  const data: PropertyMap = isPropertyMap(secret.data) ? secret.data : {};
  for (const [key, value] of Object.entries(data)) {
    if (typeof value === "string") data[key] = Buffer.from(value, "base64").toString("base64");
  }
  if (isPropertyMap(secret.stringData) && Object.keys(secret.stringData).length > 0) {
    for (const [key, value] of Object.entries(secret.stringData)) {
      data[key] = Buffer.from(
        typeof value === "string" ? value : JSON.stringify(value),
        "utf8",
      ).toString("base64");
    }
    removeAt(secret, "stringData");
    secret.data = data;
  }
}

/**
 * The live object cut down to what the inputs spoke of. Where the server has dropped or merely respelled an input
 * (an empty list, `1024Mi`), the input's own form stands: the original gets the same effect from Go's types.
 */
export function pruneToInputs(live: KubeObject, inputs: KubeObject): KubeObject {
  return pruneMap(live, inputs, false);
}

function pruneMap(live: PropertyMap, inputs: PropertyMap, quantities: boolean): PropertyMap {
  const pruned: PropertyMap = {};
  for (const [key, input] of Object.entries(inputs)) {
    const value = live[key];
    pruned[key] =
      value === undefined ? input : prune(value, input, quantities || holdsQuantities(key));
  }
  return pruned;
}

function prune(live: PropertyValue, input: PropertyValue, quantities: boolean): PropertyValue {
  if (isPropertyMap(live) && isPropertyMap(input)) return pruneMap(live, input, quantities);
  if (Array.isArray(live) && Array.isArray(input)) {
    const values = live as PropertyValue[];
    return (input as PropertyValue[])
      .slice(0, values.length)
      .map((item, index) => prune(values[index] ?? null, item, quantities));
  }
  const scalar = (value: PropertyValue): value is string | number =>
    typeof value === "string" || typeof value === "number";
  if (quantities && scalar(live) && scalar(input) && sameQuantity(live, input)) return input;
  return live;
}

/** A deep copy that keeps unknown values as they are; nulls, which mean "absent" to the API server, are left out. */
export function structuredCopy(object: PropertyMap): PropertyMap {
  return copy(object) as PropertyMap;
}

function copy(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return (value as PropertyValue[]).map(copy);
  if (!isPropertyMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, copy(item)]),
  );
}
