import { diffOf, generatedProvider, givenEntries, inputChanges } from "../provider/generated.ts";
import type { DiffRequest, DiffResult, Provider } from "../provider/provider.ts";
import { revealMap, Secret, type PropertyMap } from "../provider/values.ts";
import { readyForRenewal, TLS_RESOURCES, type TlsResource } from "./resources.ts";

/** The tls provider, without the gRPC server. `now` is its clock. */
export function tlsProvider(version: string, now: () => Date = () => new Date()): Provider {
  return generatedProvider<TlsResource>({
    name: "tls",
    version,
    resources: TLS_RESOURCES,
    complete: stored,
    generate: (resource, inputs) => resource.generate(inputs, now()),
    diff: (resource, request) => diff(resource, request, now()),
    refresh(properties) {
      const ready = readyForRenewal(revealMap(properties), now());
      return { ...properties, ...(ready && { readyForRenewal: true }) };
    },
  });
}

function diff(
  resource: TlsResource,
  { olds, oldInputs, news }: DiffRequest,
  now: Date,
): DiffResult {
  const before = revealMap(stored(resource, oldInputs));
  const after = revealMap(stored(resource, news));
  const changes = inputChanges(before, after, (name) => !resource.updatable.includes(name));
  const renewal = { ...revealMap(olds), earlyRenewalHours: after.earlyRenewalHours ?? 0 };
  if (readyForRenewal(renewal, now)) {
    changes.set("readyForRenewal", { kind: "update", replace: true, inputDiff: false });
  }
  return diffOf(changes);
}

/** The inputs with their defaults, and with the markers of secrets that the original sets. */
function stored(resource: TlsResource, inputs: PropertyMap): PropertyMap {
  return Object.fromEntries(
    [...Object.entries(resource.defaults), ...givenEntries(inputs)].map(([name, value]) => [
      name,
      resource.secrets.includes(name) && !(value instanceof Secret) ? new Secret(value) : value,
    ]),
  );
}
