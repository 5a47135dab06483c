import { isDeepStrictEqual } from "node:util";
import type { PropertyDiff } from "../provider/provider.ts";
import {
  isPropertyMap,
  Unknown,
  type PropertyMap,
  type PropertyValue,
} from "../provider/values.ts";
import type { KubeObject } from "./object.ts";
import { touches } from "./replacement.ts";

type Path = readonly (string | number)[];

/** Compares objects property by property; a change of one of `immutable` is a replacement. */
export function detailedDiff(
  old: KubeObject,
  inputs: KubeObject,
  immutable: readonly string[],
): Map<string, PropertyDiff> {
  const diffs = new Map<string, PropertyDiff>();
  compareMaps([], old, inputs);
  return diffs;

  function compareMaps(path: Path, before: PropertyMap, after: PropertyMap): void {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare([...path, key], before[key], after[key]);
    }
  }

  function compare(
    path: Path,
    before: PropertyValue | undefined,
    after: PropertyValue | undefined,
  ): void {
    if (after === undefined) {
      if (before !== undefined) record(path, "delete", null);
    } else if (before === undefined) {
      record(path, "add", after instanceof Unknown ? null : after);
    } else if (isPropertyMap(before) && isPropertyMap(after)) {
      compareMaps(path, before, after);
    } else if (Array.isArray(before) && Array.isArray(after)) {
      const [olds, news] = [before as PropertyValue[], after as PropertyValue[]];
      const length = Math.max(olds.length, news.length);
      for (let index = 0; index < length; index++) {
        compare([...path, index], olds[index], news[index]);
      }
    } else if (after instanceof Unknown) {
      record(path, "update", null);
    } else if (!isDeepStrictEqual(before, after)) {
      record(path, "update", after);
    }
  }

  function record(path: Path, kind: PropertyDiff["kind"], value: PropertyValue): void {
    diffs.set(formatPath(path), {
      kind,
      replace: touches(immutable, path, value),
      inputDiff: kind === "delete",
    });
  }
}

/** A path as Pulumi spells it: `spec.ports[0].name`, `metadata.labels["a.b/c"]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (/[."[\]]/.test(step)) return `${text}["${step.replaceAll('"', '\\"')}"]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Takes apart a path as Pulumi spells it. */
export function parsePath(text: string): (string | number)[] {
  const steps = text.matchAll(/\[(\d+)\]|\["((?:\\"|[^"])*)"\]|\[(\*)\]|([^.[\]]+)/g);
  return [...steps].map(([, index, quoted, star, plain]) =>
    index !== undefined ? Number(index) : (quoted?.replaceAll('\\"', '"') ?? star ?? plain ?? ""),
  );
}

/** Whether `inner` is the same as `outer` or lies inside it; `*` in `outer` stands for any one step. */
export function pathContains(outer: string, inner: string): boolean {
  const [wanted, given] = [parsePath(outer), parsePath(inner)];
  return (
    wanted.length <= given.length &&
    wanted.every((step, index) => step === "*" || step === given[index])
  );
}
