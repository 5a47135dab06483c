/** A mistake in a config: where it is, and what it is with its fix. Never holds a secret. */
export interface Finding {
  readonly path: readonly string[];
  readonly message: string;
}
