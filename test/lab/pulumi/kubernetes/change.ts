import type { CheckRequest, CheckResult, DiffRequest, DiffResult } from "../provider/provider.ts";
import { containsUnknown, revealMap } from "../provider/values.ts";
import { fromCheckpoint, markSecrets } from "./checkpoint.ts";
import { detailedDiff, pathContains } from "./diff.ts";
import { adoptName, assignName, isAutonamed } from "./names.ts";
import { normalizeInputs, pruneToInputs } from "./normalize.ts";
import {
  at,
  isNamed,
  nameOf,
  namespaceOf,
  removeAt,
  setAt,
  textAt,
  type KubeObject,
} from "./object.ts";
import { immutableProperties, type Mutability } from "./replacement.ts";

/** Completes what a program says of an object: its name and its namespace. */
export function checkInputs(
  request: CheckRequest,
  cluster: { readonly namespaced: boolean; readonly defaultNamespace: string },
): CheckResult {
  const olds = revealMap(request.olds);
  const inputs = normalizeInputs(revealMap(request.news));
  if (Object.keys(olds).length > 0) adoptName(inputs, olds);
  else assignName(inputs, request);
  if (!isNamed(inputs) && at(inputs, "metadata", "generateName") !== undefined) {
    throw new Error(
      "the `.metadata.generateName` field is not supported in Server-Side Apply mode",
    );
  }
  if (cluster.namespaced && at(inputs, "metadata", "namespace") === undefined) {
    setAt(inputs, ["metadata", "namespace"], cluster.defaultNamespace);
  }
  return { inputs: markSecrets(inputs, request.news) };
}

/** Compares the object as it was last seen, in so far as the program spoke of it, with what the program says now. */
export function diffInputs(
  request: DiffRequest,
  cluster: { readonly namespaced: boolean; readonly mutable: Mutability },
): DiffResult {
  const { live, inputs: oldInputs } = fromCheckpoint(request.olds);
  const inputs = normalizeInputs(revealMap(request.news));
  const old = pruneToInputs(live, normalizeInputs(oldInputs));
  for (const object of [old, inputs]) {
    if (!cluster.namespaced) removeAt(object, "metadata", "namespace");
    else if (textAt(object, "metadata", "namespace") === "" && isKnown(object)) {
      setAt(object, ["metadata", "namespace"], "default");
    }
  }
  removeAt(old, "metadata", "resourceVersion");
  // The program may come to name what Pulumi has named before.
  if (nameOf(inputs) !== "") setAt(old, ["metadata", "name"], nameOf(live));
  const details = detailedDiff(old, inputs, immutableProperties(inputs, cluster.mutable));
  for (const path of details.keys()) {
    if (request.ignoreChanges.some((ignored) => pathContains(ignored, path))) details.delete(path);
  }
  const replaces = [...details]
    .filter(([path, { kind, replace }]) => replace || (kind === "delete" && path === "metadata"))
    .map(([path]) => path);
  return {
    changes: details.size > 0,
    replaces,
    detailedDiff: details,
    deleteBeforeReplace: replaces.length > 0 && keepsName(inputs, live),
  };
}

/** A diff with one more reason to replace the object. */
export function withReplacement(
  diff: DiffResult,
  inputs: KubeObject,
  live: KubeObject,
  reason: string,
): DiffResult {
  return {
    ...diff,
    changes: true,
    replaces: [...diff.replaces, reason],
    deleteBeforeReplace: keepsName(inputs, live),
  };
}

/** Whether a replacement must have the name of what it replaces, so that the two cannot exist side by side. */
function keepsName(inputs: KubeObject, live: KubeObject): boolean {
  return (
    isNamed(inputs) &&
    !isAutonamed(inputs) &&
    nameOf(inputs) === nameOf(live) &&
    namespaceOf(inputs) === namespaceOf(live)
  );
}

function isKnown(object: KubeObject): boolean {
  return !containsUnknown(at(object, "metadata", "namespace") ?? null);
}
