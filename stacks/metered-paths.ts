import { variants, variantsOf } from "../components/gateway/paths/index.ts";
import { inConfig, isMetered, type Variant } from "../components/gateway/paths/variant.ts";

/** What to tell about a setting that needs a path where Envoy sees requests and answers. `reason` says why this path cannot. */
export function needsMeter(variant: Variant, reason: string): string {
  const fixes = [
    `pulumi config set --path gateway.path ${otherPaths(variant).join("|")}`,
    ...meteredModes(variant).map((mode) => `pulumi config set --path gateway.mode ${mode}`),
  ];
  return (
    `cannot be kept on path ${inConfig(variant)}, ${reason}: ` +
    `remove it, or choose another path${fixes.length > 1 ? " or mode" : ""}: ${fixes.join(", or ")}`
  );
}

/** The other paths that are metered. */
function otherPaths({ path }: Variant): string[] {
  return variants
    .filter((other) => isMetered(other) && other.path !== path)
    .map((other) => other.path);
}

/** The modes of the same path that are metered. */
function meteredModes({ path }: Variant): string[] {
  return variantsOf(path).flatMap((other) =>
    isMetered(other) && other.mode !== undefined ? [other.mode.name] : [],
  );
}
