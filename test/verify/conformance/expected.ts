import { type VariantName, variantNamed } from "../../../components/gateway/paths/index.ts";
import type { Deviation } from "../../../components/gateway/paths/variant.ts";
import type { ServerFetch } from "../../../components/gateway/envoy/server-fetch.ts";
import {
  DEFAULT_PROVIDER,
  type ProviderName,
} from "../../../components/gateway/providers/index.ts";
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
  "body.gzip-request": {
    status: "by-design",
    loss: "decompressed",
    reason:
      "egress.serverFetch is deny: the gateway refuses compressed requests, and Claude Code sends them again uncompressed",
  },
};

/** Themes whose checks do not send requests of their own, so that they apply to every provider. */
const OF_EVERY_PROVIDER = ["claude-code", "configuration"];

/** Settings of a stack on which expectations depend, besides its path. */
export interface ExpectedFor {
  readonly provider?: ProviderName | undefined;
  readonly serverFetch?: ServerFetch | undefined;
}

/** The expected result of a check on a path. On a gateway that is not ours every check is expected to pass. */
export function expectationOf(
  path: VariantName | "external",
  check: Check,
  { provider = DEFAULT_PROVIDER, serverFetch = "allow" }: ExpectedFor = {},
): Expectation {
  const table =
    path === "external"
      ? {}
      : { ...variantNamed(path).deviations, ...(serverFetch === "deny" && denied) };
  const theme = check.id.slice(0, check.id.indexOf("."));
  if (provider !== DEFAULT_PROVIDER && !OF_EVERY_PROVIDER.includes(theme)) {
    const reason = `the check sends requests of Anthropic's API, and the agents' API is ${provider}`;
    return { status: "not-applicable", reason };
  }
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
