import { type VariantName, variantNamed } from "../../../components/gateway/paths/index.ts";
import type { Deviation } from "../../../components/gateway/paths/variant.ts";
import type { ServerFetch } from "../../../components/gateway/envoy/server-fetch.ts";
import type { Check } from "./checks/check.ts";

/** The expected result of a check. */
export type Expectation = { readonly status: "pass" } | Deviation;

/** Expected results where `egress.serverFetch` is `deny`. */
const denied: Readonly<Record<string, Deviation>> = {
  "body.compressed": {
    status: "by-design",
    loss: "refused",
    reason: "egress.serverFetch is deny, and the gateway cannot check a compressed request",
  },
};

/** The expected result of a check on a path. On a gateway that is not ours every check is expected to pass. */
export function expectationOf(
  path: VariantName | "external",
  check: Check,
  serverFetch: ServerFetch = "allow",
): Expectation {
  const table =
    path === "external"
      ? {}
      : { ...variantNamed(path).deviations, ...(serverFetch === "deny" && denied) };
  const theme = check.id.slice(0, check.id.indexOf("."));
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
