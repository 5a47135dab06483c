import type * as pulumi from "@pulumi/pulumi";
import { mintServiceAccount } from "../components/gateway/mint/account.ts";
import type { RealCredential } from "../components/gateway/real-credential.ts";
import type { OnCluster } from "./config.ts";

/**
 * The credential of a stack as its gateway needs it. Undefined if the agents' workloads supply it. A minted one gets its
 * service account here: two gateway pods have the same one while one path replaces the other.
 */
export function realCredential(
  credential: OnCluster["credential"],
  args: { readonly namespace: pulumi.Input<string> },
  opts: pulumi.CustomResourceOptions,
): RealCredential | undefined {
  switch (credential.kind) {
    case "apiKey":
    case "oauth":
    case "bedrockKey": {
      const { kind, value } = credential;
      return value === undefined ? undefined : { kind, value };
    }
    case "federated": {
      const { kind, federationRule, organization, serviceAccount, workspace } = credential;
      return {
        kind,
        source: { kind: "anthropic", federationRule, organization, serviceAccount, workspace },
        account: mintServiceAccount("gateway-account", args, opts).metadata.name,
      };
    }
    case "google": {
      const { kind, audience, impersonate } = credential;
      return {
        kind,
        source: { kind: "google", audience, impersonate },
        account: mintServiceAccount("gateway-account", args, opts).metadata.name,
      };
    }
  }
}
