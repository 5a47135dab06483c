import { anthropic, anthropicApi } from "./anthropic.ts";
import { bedrock } from "./bedrock.ts";
import type { Provider, ProviderSettings } from "./provider.ts";
import { vertex } from "./vertex.ts";

export { anthropicApi };

/** Every provider, the default one first. To add one, add its module and a line here. */
export const providers = [anthropic, vertex, bedrock] as const;

/** Value of `gateway.provider`. */
export type ProviderName = (typeof providers)[number]["name"];

/** The settings of providers, by name. */
export type ProviderSections = {
  readonly [Name in ProviderName]?: ProviderSettings | undefined;
};

/** Names of {@link providers}, in that order. */
export const providerNames = providers.map(({ name }) => name);

/** The provider of a stack that names none. */
export const DEFAULT_PROVIDER: ProviderName = anthropic.name;

/** The provider with that name. Throws when there is none. */
export function providerNamed(name: string): Provider & { readonly name: ProviderName } {
  const found = providers.find((provider) => provider.name === name);
  if (found === undefined)
    throw new Error(`there is no provider "${name}": use one of ${providerNames.join(", ")}`);
  return found;
}
