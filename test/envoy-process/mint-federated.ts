import type { MintConfig } from "../../components/gateway/mint/config.ts";
import { ANTHROPIC_AUDIENCE } from "../../components/gateway/mint/config.ts";
import { mintSubject } from "../../components/gateway/mint/mint.ts";
import { AnthropicTokens, type FederationRule } from "../lab/tokens/anthropic.ts";
import { ClusterIssuer, type AssertionTimes } from "../lab/tokens/issuer.ts";
import { TokenServer } from "../lab/tokens/server.ts";
import { certificateFor } from "./gateways.ts";
import { MintProcess } from "./mint-process.ts";

export const IDS = {
  federationRule: "fdrl_01test",
  organization: "00000000-0000-4000-8000-000000000000",
  serviceAccount: "svac_01test",
} as const;

export const SUBJECT = mintSubject("claude-gateway");

/** Anthropic's stand-in with one rule, and the real helper. */
export class Federated {
  readonly issuer: ClusterIssuer;
  readonly endpoint: AnthropicTokens;
  readonly server: TokenServer;
  readonly mint: MintProcess;

  private constructor(
    issuer: ClusterIssuer,
    endpoint: AnthropicTokens,
    server: TokenServer,
    mint: MintProcess,
  ) {
    this.issuer = issuer;
    this.endpoint = endpoint;
    this.server = server;
    this.mint = mint;
  }

  /** The helper does not run yet, and has no assertion. Tokens live for some seconds. `endpointAt` changes the endpoint's URL. */
  static async prepare(
    rule: Partial<FederationRule> = {},
    settings: Partial<MintConfig> = {},
    ids: Partial<Record<keyof typeof IDS | "workspace", string>> = {},
    endpointAt: (url: string) => string = (url) => url,
  ): Promise<Federated> {
    const issuer = await ClusterIssuer.create();
    const endpoint = new AnthropicTokens([
      {
        id: IDS.federationRule,
        organization: IDS.organization,
        serviceAccount: IDS.serviceAccount,
        workspaces: ["wrkspc_01test"],
        issuer: issuer.issuer,
        // The keys of now: later ones are not registered.
        keys: [...issuer.keys],
        subject: SUBJECT,
        audience: ANTHROPIC_AUDIENCE,
        lifetimeSeconds: 4,
        maxAssertionSeconds: 3600,
        ...rule,
      },
    ]);
    const server = await TokenServer.start(endpoint.handle, await certificateFor("127.0.0.1"));
    const mint = await MintProcess.prepare(
      { kind: "anthropic", endpoint: endpointAt(server.url), ...IDS, ...ids },
      { minLifetimeSeconds: 1, ...settings },
    );
    return new Federated(issuer, endpoint, server, mint);
  }

  /** Writes the next assertion, and returns it. */
  async assert(times?: AssertionTimes): Promise<string> {
    const text = await this.issuer.assertion(SUBJECT, ANTHROPIC_AUDIENCE, times);
    await this.mint.assertion(text);
    return text;
  }

  /** How often each assertion was sent, the first one first. */
  uses(): number[] {
    const sent = this.#sent();
    return [...new Set(sent)].map((one) => sent.filter((each) => each === one).length);
  }

  /** Ends everything. Fails if something that a person may read shows a token or an assertion. */
  async stopAndSearch(): Promise<void> {
    const shown = this.mint.output + ((await this.mint.readiness()).problem ?? "");
    await this.stop();
    for (const secret of [...this.endpoint.made.keys(), ...this.#sent()]) {
      if (shown.includes(secret.slice(-40))) throw new Error("the helper showed a secret");
    }
  }

  async stop(): Promise<void> {
    await this.mint.stop();
    await this.server.stop();
  }

  #sent(): string[] {
    return this.server.received.map(
      ({ body }) => (JSON.parse(body) as { assertion: string }).assertion,
    );
  }
}
