/** What a search of an agent's pod for other parties' keys found. */
export interface CredentialSearch {
  /** The number of keys in the stack's Secrets that are not the agent's own. */
  readonly others: number;
  /** Where one of them was found. */
  readonly found: readonly string[];
  /** How much was searched: environments, arguments and files. */
  readonly characters: number;
  /** Whether the search found a key that was planted for it. */
  readonly foundControl: boolean;
}
