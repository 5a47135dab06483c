import {
  containsSecret,
  isPropertyMap,
  revealMap,
  Secret,
  type PropertyMap,
  type PropertyValue,
} from "../provider/values.ts";
import { at, kindOf, textAt, type KubeObject } from "./object.ts";

/** The field manager of a resource's updates, drawn when it is created and kept in its state. */
export const FIELD_MANAGER_KEY = "__fieldManager";
const INITIAL_API_VERSION_KEY = "__initialApiVersion";
const INPUTS_KEY = "__inputs";

/** What the state holds of a resource: the live object, and the inputs that it was made from. */
export interface Checkpoint {
  readonly inputs: KubeObject;
  readonly live: KubeObject;
  readonly fieldManager: string | undefined;
  readonly initialApiVersion: string | undefined;
}

/** The state of a resource. What was secret in `origin`, the inputs as the engine gave them, is secret in it. */
export function toCheckpoint(
  inputs: KubeObject,
  live: KubeObject,
  origin: PropertyMap,
  initialApiVersion: string,
  fieldManager: string,
): PropertyMap {
  return {
    ...markSecrets(live, origin),
    [INPUTS_KEY]: markSecrets(inputs, origin),
    [INITIAL_API_VERSION_KEY]: initialApiVersion,
    [FIELD_MANAGER_KEY]: fieldManager,
  };
}

/** Reads a resource's state. */
export function fromCheckpoint(state: PropertyMap): Checkpoint {
  const {
    [INPUTS_KEY]: inputs,
    [INITIAL_API_VERSION_KEY]: initialApiVersion,
    [FIELD_MANAGER_KEY]: fieldManager,
    ...live
  } = revealMap(state);
  return {
    inputs: isPropertyMap(inputs) ? inputs : {},
    live,
    fieldManager: typeof fieldManager === "string" ? fieldManager : undefined,
    initialApiVersion: typeof initialApiVersion === "string" ? initialApiVersion : undefined,
  };
}

/**
 * Marks in `object` what is secret in `origin`; a list with a secret anywhere in it is secret as a whole, since
 * its order may change. The data of a Secret always is, at any depth at which a Secret may sit.
 */
export function markSecrets(object: PropertyMap, origin: PropertyMap): PropertyMap {
  const marked: PropertyMap = { ...object };
  if (textAt(object, "kind") === "Secret") {
    for (const field of ["data", "stringData"]) {
      const value = object[field];
      if (value !== undefined) marked[field] = new Secret(value);
    }
    return marked;
  }
  for (const [key, source] of Object.entries(origin)) {
    const value: PropertyValue | undefined = object[key];
    if (value === undefined) continue;
    if (isPropertyMap(value) && isPropertyMap(source)) marked[key] = markSecrets(value, source);
    else if (containsSecret(source)) marked[key] = new Secret(value);
  }
  return marked;
}

/** The initial apiVersion of a resource: what its state says, or that of its inputs. */
export function initialApiVersionOf(checkpoint: Checkpoint, inputs: KubeObject): string {
  return checkpoint.initialApiVersion ?? textAt(inputs, "apiVersion");
}

/** Whether there is an object in a state at all; an import starts without one. */
export function hasObject(object: KubeObject): boolean {
  return at(object, "apiVersion") !== undefined && kindOf(object) !== "";
}
