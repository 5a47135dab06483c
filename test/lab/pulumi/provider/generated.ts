import { isDeepStrictEqual } from "node:util";
import type { CheckResult, DiffRequest, DiffResult, PropertyDiff, Provider } from "./provider.ts";
import {
  containsUnknown,
  reveal,
  revealMap,
  Secret,
  Unknown,
  type PropertyMap,
  type PropertyValue,
} from "./values.ts";

/** A kind of resource whose value is generated and exists only in the state. */
export interface GeneratedResource {
  /** Names and types of the inputs. */
  readonly inputs: Readonly<Record<string, "number" | "boolean" | "string" | "object">>;
  readonly required: readonly string[];
  /** The outputs that are unknown until the resource is created. */
  readonly computed: readonly string[];
  /** The problem with complete inputs, if there is one. */
  validate(inputs: PropertyMap): { property: string; reason: string } | undefined;
}

/** What distinguishes one provider of generated values from another. */
export interface Generator<Resource extends GeneratedResource> {
  readonly name: string;
  readonly version: string;
  /** Every kind of resource, by type token. */
  readonly resources: Readonly<Record<string, Resource>>;
  /** The inputs as the state has them, with their defaults. */
  complete(resource: Resource, inputs: PropertyMap): PropertyMap;
  /** Generates the outputs. `id` is the resource's id. */
  generate(resource: Resource, inputs: PropertyMap): { id: string; outputs: PropertyMap };
  diff(resource: Resource, request: DiffRequest): DiffResult;
  /** The state after a refresh. */
  refresh(properties: PropertyMap): PropertyMap;
}

/** A provider of generated values, without the gRPC server. */
export function generatedProvider<Resource extends GeneratedResource>(
  generator: Generator<Resource>,
): Provider {
  const { name, version, resources } = generator;
  const lookUp = (type: string): Resource => {
    const resource = resources[type];
    if (resource) return resource;
    const known = Object.keys(resources).join(", ");
    throw new Error(`the simulated ${name} provider does not know ${type}; it knows ${known}`);
  };
  return {
    version,
    check: ({ type, news }) => Promise.resolve(check(generator, lookUp(type), news)),
    diff: (request) => Promise.resolve(generator.diff(lookUp(request.type), request)),
    create({ type, inputs, preview }) {
      const resource = lookUp(type);
      const complete = generator.complete(resource, inputs);
      if (preview) {
        const unknown = resource.computed.map((each) => [each, Unknown.value] as const);
        return Promise.resolve({
          id: "",
          properties: { ...complete, ...Object.fromEntries(unknown) },
        });
      }
      const { id, outputs } = generator.generate(resource, revealMap(complete));
      return Promise.resolve({ id, properties: { ...complete, ...outputs, id } });
    },
    read({ id, properties, inputs }) {
      if (Object.keys(properties).length === 0) {
        throw new Error(
          `the simulated ${name} provider cannot import a resource (id ${JSON.stringify(id)})`,
        );
      }
      return Promise.resolve({ id, properties: generator.refresh(properties), inputs });
    },
    update: ({ type, olds, news }) =>
      Promise.resolve({ ...olds, ...generator.complete(lookUp(type), news) }),
    delete: () => Promise.resolve(),
  };
}

function check<Resource extends GeneratedResource>(
  generator: Generator<Resource>,
  resource: Resource,
  news: PropertyMap,
): CheckResult {
  const failures: { property: string; reason: string }[] = [];
  for (const property of resource.required) {
    if (news[property] === undefined || news[property] === null) {
      failures.push({ property, reason: `Missing required property '${property}'` });
    }
  }
  for (const [property, value] of Object.entries(news)) {
    const plain = reveal(value);
    const wanted = resource.inputs[property];
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
    const failure = resource.validate(revealMap(generator.complete(resource, news)));
    if (failure) failures.push(failure);
  }
  return { inputs: news, failures };
}

/** The inputs that differ. `replaces` says whether a change of one replaces the resource. */
export function inputChanges(
  before: PropertyMap,
  after: PropertyMap,
  replaces: (name: string) => boolean,
): Map<string, PropertyDiff> {
  const changes = new Map<string, PropertyDiff>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, new_] = [before[name], after[name]];
    if (isDeepStrictEqual(old, new_)) continue;
    const kind = old === undefined ? "add" : new_ === undefined ? "delete" : "update";
    changes.set(name, { kind, replace: replaces(name), inputDiff: true });
  }
  return changes;
}

export function diffOf(detailedDiff: Map<string, PropertyDiff>): DiffResult {
  const names = [...detailedDiff.keys()];
  return {
    changes: names.length > 0,
    replaces: names.filter((name) => detailedDiff.get(name)?.replace),
    diffs: names,
    detailedDiff,
  };
}

/** The entries without those that are null: the engine sends null for an input that is not set. */
export function givenEntries(map: PropertyMap): [string, PropertyValue][] {
  return Object.entries(map).filter(
    ([, value]) => (value instanceof Secret ? value.value : value) !== null,
  );
}
