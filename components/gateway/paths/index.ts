import { envoySni } from "./envoy-sni.ts";
import { envoyTerminate } from "./envoy-terminate.ts";
import { hybrid } from "./hybrid.ts";
import { litellm } from "./litellm.ts";
import { shim } from "./shim.ts";
import type { Variant } from "./variant.ts";

/** Every variant, in the order that tables and reports show them. To add one is to add its module and its line here. */
export const variants = [litellm, shim, envoyTerminate, envoySni, hybrid] as const;

/** Name of a variant: a column of tables and reports. */
export type VariantName = (typeof variants)[number]["name"];

/** Value of `gateway.path`. */
export type PathName = (typeof variants)[number]["path"];

/** Names of {@link variants}, in that order. */
export const variantNames: readonly VariantName[] = variants.map(({ name }) => name);

/** A variant by its name. Throws when there is none of that name. */
export function variantNamed(name: string): Variant & { readonly name: VariantName } {
  const found = variants.find((variant) => variant.name === name);
  if (found === undefined) throw new Error(`there is no gateway variant "${name}"`);
  return found;
}

/** The variants of a path, the default one first. */
export function variantsOf(path: string): readonly Variant[] {
  return variants.filter((variant) => variant.path === path);
}

/** Values of `gateway.path`, each once. */
export const pathNames: readonly PathName[] = [...new Set(variants.map(({ path }) => path))];

/** The variant that a `gateway` config selects; without a mode, the default one. `undefined` when there is none. */
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
