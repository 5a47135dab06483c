import { mintSubject } from "../../components/gateway/mint/mint.ts";
import { GoogleTokens } from "../lab/tokens/google.ts";
import { ClusterIssuer } from "../lab/tokens/issuer.ts";
import { TokenServer } from "../lab/tokens/server.ts";
import { certificateFor } from "./gateways.ts";
import { MintProcess } from "./mint-process.ts";

const PROVIDER =
  "//iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/lab/providers/k3s";

/** A token that the real helper got from the stand-in of Google, and the folder in which Envoy finds it. */
export interface GoogleToken {
  readonly token: string;
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

/** Starts the stand-in and the helper, and waits for the first token. */
export async function googleToken(): Promise<GoogleToken> {
  const issuer = await ClusterIssuer.create();
  const subject = mintSubject("claude-gateway");
  const google = new GoogleTokens({
    name: PROVIDER,
    issuer: issuer.issuer,
    keys: issuer.keys,
    allowedAudiences: [`https:${PROVIDER}`],
    serviceAccounts: {},
    lifetimeSeconds: 3600,
  });
  const sts = await TokenServer.start(google.sts, await certificateFor("127.0.0.1"));
  const mint = await MintProcess.prepare({
    kind: "google",
    endpoint: sts.url,
    audience: PROVIDER,
  });
  await mint.assertion(await issuer.assertion(subject, `https:${PROVIDER}`));
  await mint.start();
  return {
    token: await mint.nextToken(),
    folder: mint.tokens,
    async stop() {
      await mint.stop();
      await sts.stop();
    },
  };
}
