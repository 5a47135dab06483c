import { randomInt } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import type { DiffResult, PropertyDiff, Provider } from "../provider/provider.ts";
import {
  containsSecret,
  containsUnknown,
  isPropertyMap,
  type PropertyMap,
  type PropertyValue,
  revealMap,
  Unknown,
} from "../provider/values.ts";
import { type InputTypes, mistakes } from "./input-types.ts";
import type { Kind, Made } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import type { World } from "./world.ts";

/** The gcp provider, without the gRPC server. */
export function gcpProvider(version: string, types: InputTypes, world: World): Provider {
  let project = "";
  return {
    version,
    configure(variables) {
      project = variables.get("project") ?? "";
      return Promise.resolve();
    },
    check({ type, news }) {
      lookUp(type);
      const failures = mistakes(types, type, news);
      return Promise.resolve({ inputs: news, failures });
    },
    diff: ({ type, oldInputs, news }) => Promise.resolve(diff(lookUp(type), oldInputs, news)),
    create({ type, inputs, preview }) {
      const kind = lookUp(type);
      if (preview) {
        return Promise.resolve({ id: "", properties: { ...unknownOutputs(kind), ...inputs } });
      }
      if (project === "") {
        throw new Error("project: required field is not set");
      }
      world.failIfOrdered(type, "create");
      const plain = revealMap(inputs);
      refuse(kind, plain);
      const id = kind.id(plain, project);
      if (world.existing[id] !== undefined) {
        throw new Error(`googleapi: Error 409: The resource '${id}' already exists, alreadyExists`);
      }
      const made: Made = {
        id,
        project,
        number: `${randomInt(1, 2 ** 47)}`.padEnd(18, "0"),
        time: new Date().toISOString(),
      };
      const properties = { ...inputs, ...kind.outputs(plain, made), project, id };
      world.put(id, { type, uses: usedBy(kind, plain), made, properties: shown(properties) });
      return Promise.resolve({ id, properties });
    },
    read({ id, properties, inputs }) {
      const existing = world.existing[id];
      if (existing === undefined) return Promise.resolve(undefined);
      // The API does not return secrets, so the state keeps the old value.
      return Promise.resolve({ id, properties: { ...properties, ...existing.properties }, inputs });
    },
    update({ type, id, olds, oldInputs, news, preview }) {
      const kind = lookUp(type);
      const stopping = changedPaths(oldInputs, news).filter((path) =>
        covers(kind.stops ?? [], path),
      );
      if (stopping.length > 0 && news.allowStoppingForUpdate !== true) {
        throw new Error(
          `Changing the ${stopping.join(", ")} on a started instance requires stopping it. To acknowledge this, please set allow_stopping_for_update = true in your config.`,
        );
      }
      if (preview) return Promise.resolve({ ...olds, ...news });
      world.failIfOrdered(type, "update");
      const plain = revealMap(news);
      refuse(kind, plain);
      const existing = world.existing[id];
      if (existing === undefined)
        throw new Error(`googleapi: Error 404: The resource '${id}' was not found, notFound`);
      const { made } = existing;
      const properties = { ...news, ...kind.outputs(plain, made), project: made.project, id };
      world.put(id, { type, uses: usedBy(kind, plain), made, properties: shown(properties) });
      return Promise.resolve(properties);
    },
    delete({ type, id, properties }) {
      if (world.existing[id] === undefined) return Promise.resolve();
      if (properties.deletionProtection === true) {
        throw new Error(
          type.includes("instance:")
            ? `Cannot delete instance ${id}: instance Deletion Protection is enabled. Set deletion_protection to false for this resource and run "pulumi up" before attempting to delete it.`
            : `cannot destroy ${id} without setting deletion_protection=false and running pulumi up`,
        );
      }
      world.failIfOrdered(type, "delete");
      const users = Object.entries(world.existing).filter(([, { uses }]) =>
        uses.some((used) => refersTo(used, id, properties)),
      );
      if (users[0] !== undefined && !type.includes("secret") && !type.includes("account:")) {
        throw new Error(
          `googleapi: Error 400: The resource '${id}' is already being used by '${users[0][0]}', resourceInUseByAnotherResource`,
        );
      }
      world.remove(id);
      return Promise.resolve();
    },
  };
}

function lookUp(type: string): Kind {
  const kind = KINDS[type];
  if (kind === undefined) {
    throw new Error(
      `the simulated gcp provider does not know ${type}; it knows ${Object.keys(KINDS).join(", ")}`,
    );
  }
  return kind;
}

/** GCE checks what the types do not say only when a request is made, never in a preview. */
function refuse(kind: Kind, inputs: PropertyMap): void {
  const reason = kind.refuses?.(inputs);
  if (reason !== undefined) throw new Error(`googleapi: Error 400: ${reason}`);
}

/** In a preview the outputs that GCE sets are unknown, whatever the inputs are. */
function unknownOutputs(kind: Kind): PropertyMap {
  const names = Object.keys(kind.outputs({}, { id: "", project: "", number: "", time: "" }));
  return Object.fromEntries(names.map((name) => [name, Unknown.value]));
}

function usedBy(kind: Kind, inputs: PropertyMap): string[] {
  return kind.uses(inputs).filter((used): used is string => used !== undefined);
}

/** Finds by id, self link, e-mail address, or the end of an id where the API accepts a bare name. */
function refersTo(used: string, id: string, properties: PropertyMap): boolean {
  const names = [id, properties.selfLink, properties.email];
  return names.includes(used) || (used.startsWith("/") && id.endsWith(used));
}

function shown(properties: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => !containsSecret(value)),
  );
}

function diff(kind: Kind, oldInputs: PropertyMap, news: PropertyMap): DiffResult {
  const [before, after] = [revealMap(oldInputs), revealMap(news)];
  const detailedDiff = new Map<string, PropertyDiff>();
  for (const path of changedPaths(before, after)) {
    const shrunk = Number(at(after, path)) < Number(at(before, path));
    const replace = covers(kind.replaces, path) || (shrunk && kind.replaces.includes(`${path}<`));
    const change =
      at(before, path) === undefined ? "add" : at(after, path) === undefined ? "delete" : "update";
    detailedDiff.set(path, { kind: change, replace, inputDiff: true });
  }
  const replaces = [...detailedDiff].filter(([, { replace }]) => replace).map(([path]) => path);
  return {
    changes: detailedDiff.size > 0,
    replaces,
    // The program chooses the names, so the old and the new resource cannot exist at once.
    deleteBeforeReplace: replaces.length > 0,
    diffs: [...new Set([...detailedDiff.keys()].map((path) => path.split(".")[0] ?? path))],
    detailedDiff,
  };
}

function covers(paths: readonly string[], path: string): boolean {
  return paths.some((one) => path === one || path.startsWith(`${one}.`));
}

/** Paths of the differences, within objects but not within lists. */
function changedPaths(before: PropertyMap, after: PropertyMap, prefix = ""): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [old, next] = [before[name] ?? null, after[name] ?? null];
    if (!containsUnknown(next) && isDeepStrictEqual(old, next)) return [];
    return isPropertyMap(old) && isPropertyMap(next)
      ? changedPaths(old, next, `${prefix}${name}.`)
      : [prefix + name];
  });
}

function at(map: PropertyMap, path: string): PropertyValue | undefined {
  let value: PropertyValue | undefined = map;
  for (const name of path.split(".")) value = isPropertyMap(value) ? value[name] : undefined;
  return value;
}
