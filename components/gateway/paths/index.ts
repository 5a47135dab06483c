import { envoySni } from "./envoy-sni.ts";
import { envoyTerminate } from "./envoy-terminate.ts";
import { hybrid } from "./hybrid.ts";
import { litellm } from "./litellm.ts";
import { shim } from "./shim.ts";
import { providerNamed, type ProviderName, type ProviderSections } from "../providers/index.ts";
import { onProvider, providersOf, type Variant } from "./variant.ts";

/** Every variant, in the order of tables and reports. To add a variant, add its module and a line here. */
export const variants = [litellm, shim, envoyTerminate, envoySni, hybrid] as const;

/** Name of a variant: a column of tables and reports. */
export type VariantName = (typeof variants)[number]["name"];

/** Value of `gateway.path`. */
export type PathName = (typeof variants)[number]["path"];

/** Names of {@link variants}, in that order. */
export const variantNames: readonly VariantName[] = variants.map(({ name }) => name);

/** The variant with that name. Throws when there is none. */
export function variantNamed(name: string): Variant & { readonly name: VariantName } {
  const found = variants.find((variant) => variant.name === name);
  if (found === undefined)
    throw new Error(`there is no gateway variant "${name}": use one of ${variantNames.join(", ")}`);
  return found;
}

/** The variants of a path, the default one first. */
export function variantsOf(path: string): readonly Variant[] {
  return variants.filter((variant) => variant.path === path);
}

/** Values of `gateway.path`, each once. */
export const pathNames: readonly PathName[] = [...new Set(variants.map(({ path }) => path))];

/** The variant that a `gateway` config selects: the default one if it has no mode. `undefined` when there is none. */
export function selectedVariant(gateway: {
  readonly path: string;
  readonly mode?: string | undefined;
}): (Variant & { readonly name: VariantName }) | undefined {
  return variants.find(
    (variant: Variant) =>
      variant.path === gateway.path &&
      (gateway.mode === undefined ||
        variant.mode === undefined ||
        variant.mode.name === gateway.mode),
  );
}

/** What a valid `gateway` config says about the path and the provider, whose settings are under its name. */
export type SelectedGateway = {
  readonly path: string;
  readonly mode?: string | undefined;
  readonly provider: ProviderName;
} & ProviderSections;

/** The variant that a valid `gateway` config selects, with the provider's API as its upstream. */
export function deployedVariant(gateway: SelectedGateway): Variant | undefined {
  const variant = selectedVariant(gateway);
  const { provider } = gateway;
  return variant && onProvider(variant, providerNamed(provider), gateway[provider] ?? {});
}

/** A variant with a provider that it can reach, without the provider's settings. */
interface Deployable {
  readonly variant: VariantName;
  readonly provider: ProviderName;
  /** Its name is that of deployed pods. */
  readonly deployed: Variant;
}

/** Every variant with every provider that it can reach. */
export const deployables: readonly Deployable[] = variants.flatMap((variant) =>
  providersOf(variant).map((provider) => ({
    variant: variant.name,
    provider,
    deployed: onProvider(variant, providerNamed(provider), {}),
  })),
);
