// Google's workload identity federation: an assertion of the cluster for an access token, then perhaps that one for an
// access token of a service account.
// https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
import { expectBearer, tokenOf } from "./answer.mjs";
import { call } from "./call.mjs";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

export function google({ endpoint, iamEndpoint, audience, impersonate, lifetimeSeconds = 3600 }) {
  return {
    usesAssertion: true,
    singleUse: false,

    async mint({ text }) {
      const answer = await call({
        url: `${endpoint}/v1/token`,
        body: {
          grantType: "urn:ietf:params:oauth:grant-type:token-exchange",
          audience,
          scope: SCOPE,
          requestedTokenType: "urn:ietf:params:oauth:token-type:access_token",
          subjectToken: text,
          subjectTokenType: "urn:ietf:params:oauth:token-type:jwt",
        },
      });
      expectBearer(answer);
      const federated = tokenOf(answer, answer.json.access_token, answer.json.expires_in);
      return impersonate === undefined ? federated : asServiceAccount(federated.token);
    },

    tooShort: (seconds, minSeconds) =>
      `Google makes tokens for ${seconds} s, and at least ${minSeconds} s are needed`,

    advice(status, { iss, sub, aud, kid }, lastKid) {
      if (status === 400 && lastKid !== undefined && kid !== lastKid) {
        return `the cluster signs with a new key (${kid}): upload its keys to the workload identity pool's provider again`;
      }
      if (status === 400) {
        return (
          `check credential.audience (${audience}), and that the pool's provider has issuer ${iss}, the cluster's keys, ` +
          `the allowed audience ${aud}, and a condition that lets subject ${sub} pass`
        );
      }
      if (impersonate === undefined) {
        return `grant the subject ${sub} of the workload identity pool access to the project`;
      }
      if (status === 404) return `check credential.impersonate: there is no ${impersonate}`;
      return `grant the subject ${sub} of the workload identity pool the role roles/iam.workloadIdentityUser on ${impersonate}`;
    },
  };

  async function asServiceAccount(token) {
    const answer = await call({
      url: `${iamEndpoint}/v1/projects/-/serviceAccounts/${encodeURIComponent(impersonate)}:generateAccessToken`,
      headers: { authorization: `Bearer ${token}` },
      body: { scope: [SCOPE], lifetime: `${lifetimeSeconds}s` },
    });
    // The answer has an end instead of a lifetime. The endpoint's own clock says how far it is.
    const ends = Date.parse(answer.json.expireTime) / 1000;
    const now = answer.dateSeconds ?? Date.now() / 1000;
    return tokenOf(answer, answer.json.accessToken, Math.floor(ends - now));
  }
}
