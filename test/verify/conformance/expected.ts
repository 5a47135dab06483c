import { type VariantName, variantNamed } from "../../../components/gateway/paths/index.ts";
import type { Deviation } from "../../../components/gateway/paths/variant.ts";
import type { Check } from "./checks/check.ts";

/** What a check is expected to find. */
export type Expectation = { readonly status: "pass" } | Deviation;

/** What a check is expected to find on a path. A gateway that is not ours is expected to keep everything. */
export function expectationOf(path: VariantName | "external", check: Check): Expectation {
  const table = path === "external" ? {} : variantNamed(path).deviations;
  const theme = check.id.slice(0, check.id.indexOf("."));
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
