import { AcceptedCredentials } from "./credentials.ts";
import { Gates } from "./gates.ts";
import { PromptCache } from "./promptCache.ts";
import { Records } from "./records.ts";
import { Scripts } from "./scripts.ts";

/** The state that the data ports and the control API share. */
export class State {
  readonly credentials = new AcceptedCredentials();
  readonly records = new Records();
  readonly scripts = new Scripts();
  readonly gates = new Gates();
  readonly cache = new PromptCache(() => Date.now() + this.#clockAheadMs);
  #clockAheadMs = 0;

  /** Moves the prompt cache's clock forward. */
  advanceClock(ms: number): void {
    this.#clockAheadMs += ms;
  }

  /** Resets everything except the accepted credentials. */
  reset(): void {
    this.records.clear();
    this.records.enabled = true;
    this.scripts.clear();
    this.gates.clear();
    this.cache.clear();
    this.#clockAheadMs = 0;
  }
}
