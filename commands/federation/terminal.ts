import { ANTHROPIC_AUDIENCE, MIN_LIFETIME_SECONDS } from "../../components/gateway/mint/config.ts";
import { ASSERTION_SECONDS, mintSubject } from "../../components/gateway/mint/mint.ts";
import type { ClusterIssuer } from "./issuer.ts";

/** The steps in the Claude Console, for the gateway in a namespace. */
export function renderFederation({ issuer, keys }: ClusterIssuer, namespace: string): string {
  return `In the Claude Console, under Settings, Workload identity:

1. Add an issuer
   issuer URL                ${issuer}
   keys                      inline: the JSON below. Enter it again when the cluster signs with a new key
   longest life of a token   ${ASSERTION_SECONDS} s or more (the Console's default is 3600)

${JSON.stringify({ keys }, null, 2)}

2. Add a service account, and make it a member of the workspace that pays

3. Add a federation rule for this issuer and this service account
   subject                   ${mintSubject(namespace)}
   audience                  ${ANTHROPIC_AUDIENCE}
   token lifetime            3600 s. Less than ${MIN_LIFETIME_SECONDS} s is refused

4. Give the stack the identifiers that the Console shows
   pulumi config set --path credential.kind federated
   pulumi config set --path credential.federationRule fdrl_…
   pulumi config set --path credential.organization 00000000-0000-0000-0000-000000000000
   pulumi config set --path credential.serviceAccount svac_…
   pulumi config set --path credential.workspace wrkspc_…    # only for a rule with several workspaces
`;
}
