import { isDeepStrictEqual } from "node:util";
import type {
  CheckResult,
  DiffRequest,
  DiffResult,
  PropertyDiff,
  Provider,
} from "../provider/provider.ts";
import {
  containsUnknown,
  reveal,
  revealMap,
  Secret,
  Unknown,
  type PropertyMap,
} from "../provider/values.ts";
import { readyForRenewal, TLS_RESOURCES, type TlsResource } from "./resources.ts";

/** The tls provider, without the gRPC server. `now` is its clock. */
export function tlsProvider(version: string, now: () => Date = () => new Date()): Provider {
  return {
    version,
    check: ({ type, news }) => Promise.resolve(check(lookUp(type), news)),
    diff: (request) => Promise.resolve(diff(lookUp(request.type), request, now())),
    create({ type, inputs, preview }) {
      const resource = lookUp(type);
      const complete = stored(resource, inputs);
      if (preview) {
        const unknown = resource.computed.map((name) => [name, Unknown.value] as const);
        return Promise.resolve({
          id: "",
          properties: { ...complete, ...Object.fromEntries(unknown) },
        });
      }
      const { id, outputs } = resource.generate(revealMap(complete), now());
      return Promise.resolve({ id, properties: { ...complete, ...outputs, id } });
    },
    // A key and a certificate exist only in the state.
    read({ id, properties, inputs }) {
      if (Object.keys(properties).length === 0) {
        throw new Error(
          `the simulated tls provider cannot import a resource (id ${JSON.stringify(id)})`,
        );
      }
      const ready = readyForRenewal(revealMap(properties), now());
      return Promise.resolve({
        id,
        properties: { ...properties, ...(ready && { readyForRenewal: true }) },
        inputs,
      });
    },
    update: ({ type, olds, news }) => Promise.resolve({ ...olds, ...stored(lookUp(type), news) }),
    delete: () => Promise.resolve(),
  };
}

function lookUp(type: string): TlsResource {
  const resource = TLS_RESOURCES[type];
  if (!resource) {
    throw new Error(
      `the simulated tls provider does not know ${type}; it knows ${Object.keys(TLS_RESOURCES).join(", ")}`,
    );
  }
  return resource;
}

function check(resource: TlsResource, news: PropertyMap): CheckResult {
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
    const failure = resource.validate(revealMap(stored(resource, news)));
    if (failure) failures.push(failure);
  }
  return { inputs: news, failures };
}

function diff(
  resource: TlsResource,
  { olds, oldInputs, news }: DiffRequest,
  now: Date,
): DiffResult {
  const before = revealMap(stored(resource, oldInputs));
  const after = revealMap(stored(resource, news));
  const detailedDiff = new Map<string, PropertyDiff>();
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, new_] = [before[name], after[name]];
    if (isDeepStrictEqual(old, new_)) continue;
    const kind = old === undefined ? "add" : new_ === undefined ? "delete" : "update";
    const replace = !resource.updatable.includes(name);
    detailedDiff.set(name, { kind, replace, inputDiff: true });
  }
  const renewal = { ...revealMap(olds), earlyRenewalHours: after.earlyRenewalHours ?? 0 };
  if (readyForRenewal(renewal, now)) {
    detailedDiff.set("readyForRenewal", { kind: "update", replace: true, inputDiff: false });
  }
  const names = [...detailedDiff.keys()];
  return {
    changes: names.length > 0,
    replaces: names.filter((name) => detailedDiff.get(name)?.replace),
    diffs: names,
    detailedDiff,
  };
}

/** The inputs with their defaults, and with the markers of secrets that the original sets. */
function stored(resource: TlsResource, inputs: PropertyMap): PropertyMap {
  const given = Object.entries(inputs).filter(
    ([, value]) => (value instanceof Secret ? value.value : value) !== null,
  );
  return Object.fromEntries(
    [...Object.entries(resource.defaults), ...given].map(([name, value]) => [
      name,
      resource.secrets.includes(name) && !(value instanceof Secret) ? new Secret(value) : value,
    ]),
  );
}
