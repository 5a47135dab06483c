import type * as pulumi from "@pulumi/pulumi";
import { hostCredentialName, inspectedHosts } from "../components/egress/inspected.ts";
import { Authority } from "../components/gateway/inspect/authority.ts";
import type { Inspection } from "../components/gateway/inspect/inspection.ts";
import type { OnCluster } from "./config.ts";

/** The inspected hosts of a stack, with an authority for them. Undefined if it has none. */
export function inspectionOf(
  { egress }: OnCluster,
  gatewayNamespace: string,
  opts: pulumi.ComponentResourceOptions,
): Inspection | undefined {
  const hosts = inspectedHosts(egress.inspect);
  if (hosts.length === 0) return undefined;
  const credentials = egress.inspect.flatMap(({ host, credential }) =>
    credential === undefined ? [] : [[hostCredentialName(host), credential.text] as const],
  );
  return {
    hosts,
    credentials: Object.fromEntries(credentials),
    authority: new Authority(
      "inspect-authority",
      { commonName: `claude-gateway ${gatewayNamespace}` },
      opts,
    ),
  };
}
