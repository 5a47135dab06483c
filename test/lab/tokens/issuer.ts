import { randomUUID } from "node:crypto";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** What an assertion says. Times are seconds from now. */
export interface AssertionTimes {
  /** When it was issued, and from when it is good. Default 0. */
  readonly fromSeconds?: number;
  /** When it ends. Default 600. */
  readonly untilSeconds?: number;
}

/** A cluster that issues assertions as Kubernetes does, with a key of its own. */
export class ClusterIssuer {
  readonly issuer = "https://kubernetes.default.svc.cluster.local";
  /** The keys that it publishes, the oldest first. */
  readonly keys: JWK[] = [];
  #privateKey: CryptoKey | undefined;

  static async create(): Promise<ClusterIssuer> {
    const issuer = new ClusterIssuer();
    await issuer.renewKey();
    return issuer;
  }

  /** Signs with a new key from now on. */
  async renewKey(): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const kid = `key-${this.keys.length + 1}`;
    this.keys.push({ ...(await exportJWK(publicKey)), alg: "RS256", use: "sig", kid });
    this.#privateKey = privateKey;
  }

  /** An assertion with the claims of a projected token. */
  assertion(
    subject: string,
    audience: string,
    { fromSeconds = 0, untilSeconds = 600 }: AssertionTimes = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const [, , namespace, account] = subject.split(":");
    const about = { namespace, serviceaccount: { name: account, uid: randomUUID() } };
    if (this.#privateKey === undefined) throw new Error("the issuer has no key");
    return new SignJWT({ "kubernetes.io": about })
      .setProtectedHeader({ alg: "RS256", kid: this.keys.at(-1)?.kid ?? "" })
      .setIssuer(this.issuer)
      .setSubject(subject)
      .setAudience([audience])
      .setJti(randomUUID())
      .setIssuedAt(now + fromSeconds)
      .setNotBefore(now + fromSeconds)
      .setExpirationTime(now + untilSeconds)
      .sign(this.#privateKey);
  }
}
