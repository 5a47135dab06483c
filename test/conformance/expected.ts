import type { GatewayVariant } from "../../components/gateway/variant.ts";
import type { Check, Theme } from "./checks/check.ts";

/** What a check is expected to find where it is not `pass`. */
export type Deviation =
  | {
      readonly status: "known-loss";
      /** The loss that the check names; another one fails. */
      readonly loss: string;
      readonly reason: string;
    }
  | { readonly status: "not-applicable"; readonly reason: string };

export type Expectation = { readonly status: "pass" } | Deviation;

/** Deviations of one path, by check or by whole theme. */
type Deviations = Readonly<Partial<Record<Check["id"] | Theme, Deviation>>>;

const notApplicable = (reason: string): Deviation => ({ status: "not-applicable", reason });

const NO_HTTP = notApplicable(
  "TLS passes through untouched: the gateway sees no HTTP and answers none",
);

/**
 * The reviewed table of what a path cannot keep: check × path, `pass` wherever nothing is listed. A measurement
 * that differs from it, in either direction, fails.
 */
export const deviations: Readonly<Record<GatewayVariant, Deviations>> = {
  litellm: {},
  shim: {},
  "envoy-terminate": {},
  "envoy-sni": {
    "own-errors": NO_HTTP,
  },
  hybrid: {},
};

/** What a check is expected to find on a path. A gateway that is not ours is expected to keep everything. */
export function expectationOf(path: GatewayVariant | "external", check: Check): Expectation {
  const table: Deviations = path === "external" ? {} : deviations[path];
  const theme = check.id.slice(0, check.id.indexOf(".")) as Theme;
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
