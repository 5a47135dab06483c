import { createHash, randomBytes } from "node:crypto";
import type { CheckRequest } from "../provider/provider.ts";
import { annotation, at, isNamed, nameOf, setAt, type KubeObject } from "./object.ts";

const AUTONAMED = "pulumi.com/autonamed";
const SUFFIX_LENGTH = 8;

/** Whether Pulumi chose the object's name. */
export function isAutonamed(object: KubeObject): boolean {
  return annotation(object, AUTONAMED) === "true";
}

/** Gives a new object a name if the program has not: that of the resource, and eight hex digits. */
export function assignName(
  object: KubeObject,
  { name, randomSeed, autonaming }: Pick<CheckRequest, "name" | "randomSeed" | "autonaming">,
): void {
  if (isNamed(object) || at(object, "metadata", "generateName") !== undefined) return;
  if (autonaming?.mode === "disable") {
    throw new Error("autonaming is disabled, resource requires the .metadata.name field to be set");
  }
  setName(object, autonaming?.name ?? uniqueName(name, randomSeed));
}

/** Keeps the name that an earlier version of the resource was given. */
export function adoptName(object: KubeObject, old: KubeObject): void {
  if (!isNamed(object) && isAutonamed(old)) setName(object, nameOf(old));
}

/** `prefix-` and eight hex digits, the same ones for the same seed. */
export function uniqueName(prefix: string, seed: Uint8Array): string {
  const digits =
    seed.length > 0
      ? createHash("sha256").update(seed).digest("hex")
      : randomBytes(32).toString("hex");
  return `${prefix}-${digits.slice(0, SUFFIX_LENGTH)}`;
}

function setName(object: KubeObject, name: string): void {
  setAt(object, ["metadata", "name"], name);
  setAt(object, ["metadata", "annotations", AUTONAMED], "true");
}
