import { type VariantName, variantNamed } from "../../../components/gateway/paths/index.ts";
import type { Deviation } from "../../../components/gateway/paths/variant.ts";
import type { Check } from "./checks/check.ts";

/** The expected result of a check. */
export type Expectation = { readonly status: "pass" } | Deviation;

/** The expected result of a check on a path. On a gateway that is not ours every check is expected to pass. */
export function expectationOf(path: VariantName | "external", check: Check): Expectation {
  const table = path === "external" ? {} : variantNamed(path).deviations;
  const theme = check.id.slice(0, check.id.indexOf("."));
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
