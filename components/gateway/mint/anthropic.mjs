// Anthropic's workload identity federation: an assertion of the cluster for an access token.
// https://platform.claude.com/docs/en/manage-claude/wif-reference
import { expectBearer, tokenOf } from "./answer.mjs";
import { call } from "./call.mjs";

/** What Anthropic's own clients send with the exchange. */
const BETA = "oauth-2025-04-20,oidc-federation-2026-04-01";

export function anthropic({ endpoint, federationRule, organization, serviceAccount, workspace }) {
  return {
    usesAssertion: true,
    /** The second exchange of an assertion is refused. */
    singleUse: true,

    async mint({ text }) {
      const answer = await call({
        url: `${endpoint}/v1/oauth/token`,
        headers: { "anthropic-beta": BETA },
        body: {
          grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
          assertion: text,
          federation_rule_id: federationRule,
          organization_id: organization,
          service_account_id: serviceAccount,
          ...(workspace !== undefined && { workspace_id: workspace }),
        },
      });
      expectBearer(answer);
      return tokenOf(answer, answer.json.access_token, answer.json.expires_in);
    },

    /** The longest life of a token for an assertion, in seconds: twice what the assertion itself has left. */
    longestSeconds: ({ exp }, nowSeconds) => Math.max(60, 2 * (exp - nowSeconds)),

    /** What to do about a lifetime that is too short. */
    tooShort: (lifetimeSeconds, minSeconds) =>
      `the federation rule makes tokens for ${lifetimeSeconds} s, and they are renewed less often: ` +
      `set the rule's token lifetime to ${minSeconds} s or more in the Claude Console`,

    /** Where to look when the endpoint refuses. The endpoint itself says the same for every reason with status 401. */
    advice(status, { iss, sub, aud, kid }, lastKid) {
      if (status === 400) {
        return "check credential.federationRule, credential.organization, credential.serviceAccount and credential.workspace, which a rule for several workspaces needs";
      }
      if (status === 401 && lastKid !== undefined && kid !== lastKid) {
        return `the cluster signs with a new key (${kid}): register its keys again, npm run federation prints them`;
      }
      if (status === 401) {
        return (
          `the federation rule must match issuer ${iss}, subject ${sub}, audience ${aud} and key ${kid}: npm run federation prints ` +
          "what to register, and the Claude Console's authentication events say which of them differs"
        );
      }
      return "check credential.serviceAccount and credential.workspace: the service account must be a member of the workspace";
    },
  };
}
