/** A mistake in a config: its key, and a message with the fix. Never contains a secret. */
export interface Finding {
  readonly path: readonly string[];
  readonly message: string;
}
