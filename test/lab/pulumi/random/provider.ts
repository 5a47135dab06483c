import { diffOf, generatedProvider, givenEntries, inputChanges } from "../provider/generated.ts";
import type { Provider } from "../provider/provider.ts";
import { isPropertyMap, revealMap, type PropertyMap } from "../provider/values.ts";
import { RANDOM_RESOURCES, type RandomResource } from "./resources.ts";

/** The random provider, without the gRPC server. */
export function randomProvider(version: string): Provider {
  return generatedProvider<RandomResource>({
    name: "random",
    version,
    resources: RANDOM_RESOURCES,
    complete: withDefaults,
    generate: (resource, inputs) => resource.generate(inputs),
    // Every input affects the result, `keepers` by definition: any change generates a new value.
    diff: (resource, { oldInputs, news }) =>
      diffOf(inputChanges(comparable(resource, oldInputs), comparable(resource, news), () => true)),
    refresh: (properties) => properties,
  });
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
  return Object.fromEntries(givenEntries(map));
}
