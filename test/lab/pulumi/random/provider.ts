import { isDeepStrictEqual } from "node:util";
import type { CheckResult, DiffResult, PropertyDiff, Provider } from "../provider/provider.ts";
import {
  containsUnknown,
  isPropertyMap,
  reveal,
  revealMap,
  Secret,
  Unknown,
  type PropertyMap,
} from "../provider/values.ts";
import { RANDOM_RESOURCES, type RandomResource } from "./resources.ts";

/** The random provider, without the gRPC server. */
export function randomProvider(version: string): Provider {
  return {
    version,
    check: ({ type, news }) => Promise.resolve(check(lookUp(type), news)),
    diff: ({ type, oldInputs, news }) => Promise.resolve(diff(lookUp(type), oldInputs, news)),
    create({ type, inputs, preview }) {
      const resource = lookUp(type);
      const complete = withDefaults(resource, inputs);
      if (preview) {
        const unknown = resource.computed.map((name) => [name, Unknown.value] as const);
        return Promise.resolve({
          id: "",
          properties: { ...complete, ...Object.fromEntries(unknown) },
        });
      }
      const { id, outputs } = resource.generate(revealMap(complete));
      return Promise.resolve({ id, properties: { ...complete, ...outputs, id } });
    },
    // A generated value exists only in the state.
    read({ id, properties, inputs }) {
      if (Object.keys(properties).length === 0) {
        throw new Error(
          `the simulated random provider cannot import a resource (id ${JSON.stringify(id)})`,
        );
      }
      return Promise.resolve({ id, properties, inputs });
    },
    update: ({ type, olds, news }) =>
      Promise.resolve({ ...olds, ...withDefaults(lookUp(type), news) }),
    delete: () => Promise.resolve(),
  };
}

function lookUp(type: string): RandomResource {
  const resource = RANDOM_RESOURCES[type];
  if (!resource) {
    throw new Error(
      `the simulated random provider does not know ${type}; it knows ${Object.keys(RANDOM_RESOURCES).join(", ")}`,
    );
  }
  return resource;
}

function check(resource: RandomResource, news: PropertyMap): CheckResult {
  const failures: { property: string; reason: string }[] = [];
  for (const property of resource.required) {
    if (news[property] === undefined || news[property] === null) {
      failures.push({ property, reason: `Missing required property '${property}'` });
    }
  }
  for (const [property, value] of Object.entries(news)) {
    const plain = reveal(value);
    const wanted = property === "keepers" ? "object" : resource.inputs[property];
    if (wanted === undefined) {
      failures.push({
        property,
        reason: `An unexpected argument ${JSON.stringify(property)} was provided`,
      });
    } else if (plain !== null && !(plain instanceof Unknown) && typeof plain !== wanted) {
      failures.push({ property, reason: `Expected a ${wanted}, got a ${typeof plain}` });
    }
  }
  if (failures.length === 0 && !containsUnknown(news)) {
    const failure = resource.validate(revealMap(withDefaults(resource, news)));
    if (failure) failures.push(failure);
  }
  return { inputs: news, failures };
}

/** Every input affects the result, `keepers` by definition: any change generates a new value. */
function diff(resource: RandomResource, oldInputs: PropertyMap, news: PropertyMap): DiffResult {
  const before = comparable(resource, oldInputs);
  const after = comparable(resource, news);
  const detailedDiff = new Map<string, PropertyDiff>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, new_] = [before[name], after[name]];
    if (isDeepStrictEqual(old, new_)) continue;
    const kind = old === undefined ? "add" : new_ === undefined ? "delete" : "update";
    detailedDiff.set(name, { kind, replace: true, inputDiff: true });
  }
  const names = [...detailedDiff.keys()];
  return { changes: names.length > 0, replaces: names, diffs: names, detailedDiff };
}

function comparable(resource: RandomResource, inputs: PropertyMap): PropertyMap {
  const complete = revealMap(withDefaults(resource, inputs));
  if (isPropertyMap(complete.keepers)) complete.keepers = withoutNulls(complete.keepers);
  return complete;
}

function withDefaults(resource: RandomResource, inputs: PropertyMap): PropertyMap {
  return resource.defaults(withoutNulls(inputs));
}

function withoutNulls(map: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(map).filter(
      ([, value]) => (value instanceof Secret ? value.value : value) !== null,
    ),
  );
}
