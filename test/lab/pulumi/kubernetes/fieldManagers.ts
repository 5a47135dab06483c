import { isPropertyMap, type PropertyMap, type PropertyValue } from "../provider/values.ts";
import { parsePath } from "./diff.ts";
import { annotation, objectsAt, setAt, removeAt, textAt, at, type KubeObject } from "./object.ts";

/** Under this name objects are created; their first update takes its fields over. */
export const CREATE_FIELD_MANAGER = "pulumi-kubernetes";
const OWN_CREATORS = [CREATE_FIELD_MANAGER, "pulumi-kubernetes.exe", "pulumi-resource-kubernetes"];

/** Whoever wrote an object without server-side apply; the resource's own manager takes their fields over. */
const TAKEN_OVER = new Set([
  "kubectl/Apply",
  "kubectl/Update",
  "before-first-apply/Update",
  ...OWN_CREATORS.map((name) => `${name}/Update`),
]);

/** The patch by which `manager` takes over what others hold, or `undefined` if it holds that already. */
export function takeOverPatch(live: KubeObject, manager: string): PropertyMap[] | undefined {
  const entries = objectsAt(live, "metadata", "managedFields");
  const isTaken = (entry: PropertyMap): boolean =>
    TAKEN_OVER.has(`${textAt(entry, "manager")}/${textAt(entry, "operation")}`) &&
    textAt(entry, "subresource") === "";
  const isOwn = (entry: PropertyMap): boolean =>
    entry.manager === manager && entry.operation === "Apply";
  const taken = entries.filter((entry) => isTaken(entry) && !isOwn(entry));
  if (taken.length === 0) return undefined;
  const merged = [...entries.filter(isOwn), ...taken];
  const own: PropertyMap = {
    ...merged[0],
    manager,
    operation: "Apply",
    fieldsV1: merged.map((entry) => entry.fieldsV1 ?? {}).reduce<PropertyValue>(union, {}),
  };
  const value = [own, ...entries.filter((entry) => !merged.includes(entry))];
  return [
    { op: "replace", path: "/metadata/managedFields", value },
    // The server refuses the patch if somebody has written the object meanwhile.
    {
      op: "replace",
      path: "/metadata/resourceVersion",
      value: textAt(live, "metadata", "resourceVersion"),
    },
  ];
}

/** Whether an apply overrides the managers of conflicting fields. */
export function forcesConflicts(
  inputs: KubeObject,
  live: KubeObject | undefined,
  enabled: boolean,
  preview: boolean,
): boolean {
  if (annotation(inputs, "pulumi.com/patchForce") === "true" || enabled) return true;
  if (!live) return preview;
  const entries = objectsAt(live, "metadata", "managedFields");
  if (entries.length === 0) return true;
  // An update takes these fields over before it applies; a preview cannot.
  return (
    preview &&
    entries.some(
      (entry) => entry.operation === "Update" && OWN_CREATORS.includes(textAt(entry, "manager")),
    )
  );
}

/**
 * Makes `inputs` leave ignored properties alone: out of an apply where another manager alone holds them, with their
 * live value where the resource's own manager does, since to leave those out would be to remove them.
 */
export function ignoreProperties(
  inputs: KubeObject,
  live: KubeObject,
  ignoreChanges: readonly string[],
  manager: string,
): void {
  const entries = objectsAt(live, "metadata", "managedFields");
  for (const ignored of ignoreChanges) {
    const path = parsePath(ignored).map(String);
    const holders = entries.filter((entry) => holds(entry.fieldsV1 ?? null, path));
    const own = holders.some((entry) => entry.manager === manager);
    if (holders.length > 0 && !own) {
      removeAt(inputs, ...path);
      continue;
    }
    const value = at(live, ...path);
    if (value !== undefined) setAt(inputs, path, value);
  }
}

function holds(fields: PropertyValue, path: readonly string[]): boolean {
  return at(fields, ...path.map((step) => `f:${step}`)) !== undefined;
}

/** Field sets are tries, written as objects. */
function union(a: PropertyValue, b: PropertyValue): PropertyValue {
  if (!isPropertyMap(a) || !isPropertyMap(b)) return a;
  const both: PropertyMap = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const other = both[key];
    both[key] = other === undefined ? value : union(other, value);
  }
  return both;
}
