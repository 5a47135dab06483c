import type { MintConfig } from "./config.ts";

/** What an assertion says, as far as the loop looks at it. */
export interface AssertionClaims {
  readonly iat?: number;
  readonly exp: number;
  readonly kid?: string;
}

/** A source of tokens: what `anthropic.mjs`, `google.mjs` and `github.mjs` make. */
export interface Source {
  readonly usesAssertion: boolean;
  readonly singleUse: boolean;
  mint(
    assertion: { readonly text: string; readonly claims: AssertionClaims },
    nowSeconds: number,
  ): Promise<{
    readonly token: string;
    readonly lifetimeSeconds: number;
    readonly dateSeconds?: number;
  }>;
  longestSeconds?(claims: AssertionClaims, nowSeconds: number): number;
  tooShort(lifetimeSeconds: number, minSeconds: number): string;
  advice(status: number): string;
}

export declare class Loop {
  constructor(args: {
    readonly config: MintConfig;
    readonly source: Source;
    readonly store: {
      load(): object;
      save(state: object): void;
      give(token: string | undefined): void;
      explain(message: string): void;
    };
    readonly fs: { readFileSync(path: string, encoding: "utf8"): string };
    readonly now: () => number;
    readonly uptime: () => number;
    readonly log: (level: string, message: string) => void;
  });
  start(): void;
  step(): Promise<number>;
  end(): number;
}
