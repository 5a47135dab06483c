/** Folder in memory that the helper and Envoy share. Envoy watches it. */
export const LEAVES_DIR = "/var/run/leaves";

/** The file that Envoy watches, with the certificate of the inspected hosts and its key. */
export const LEAF_FILE = `${LEAVES_DIR}/leaf.json`;

/** Name of the secret in that file. */
export const LEAF_SECRET = "leaf";
