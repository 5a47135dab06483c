import { AnthropicTokens, type FederationRule } from "../tokens/anthropic.ts";
import { AcceptedCredentials } from "./credentials.ts";
import { Gates } from "./gates.ts";
import { PromptCache } from "./promptCache.ts";
import { Records } from "./records.ts";
import { Scripts } from "./scripts.ts";

/** The state that the data ports and the control API share. */
export class State {
  /** The organization's federation rules. None at first. */
  readonly federationRules: FederationRule[] = [];
  readonly tokens = new AnthropicTokens(this.federationRules);
  readonly credentials = new AcceptedCredentials(
    (token) => (this.tokens.made.get(token) ?? 0) > Date.now(),
  );
  readonly records = new Records();
  readonly scripts = new Scripts();
  readonly gates = new Gates();
  readonly cache = new PromptCache(() => Date.now() + this.#clockAheadMs);
  #clockAheadMs = 0;

  /** Moves the prompt cache's clock forward. */
  advanceClock(ms: number): void {
    this.#clockAheadMs += ms;
  }

  /** Resets everything except the accepted credentials and the federation rules. */
  reset(): void {
    this.records.clear();
    this.records.enabled = true;
    this.scripts.clear();
    this.gates.clear();
    this.cache.clear();
    this.#clockAheadMs = 0;
  }
}
