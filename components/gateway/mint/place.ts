/** Folder in memory that the helper and Envoy share. Envoy watches it. */
export const TOKENS_DIR = "/var/run/tokens";

/** Folder of the assertions in the helper's container. */
export const ASSERTION_DIR = "/var/run/assertions";

/** The file that Envoy watches, with a credential. */
export function outputFile(name: string): string {
  return `${TOKENS_DIR}/${name}.json`;
}

/** A file that the helper keeps about a credential: whether a token was made, and why there is none. */
export function stateFile(name: string, kind: "minted" | "problem"): string {
  return `${TOKENS_DIR}/state/${name}.${kind}`;
}

/** Path of a credential's assertion in {@link ASSERTION_DIR}. */
export function assertionPath(name: string): string {
  return name;
}
