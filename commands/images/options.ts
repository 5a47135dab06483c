import { reportFile } from "../../cli/report-file.ts";
import { readArguments, UsageError } from "../../cli/command-line.ts";

/** The options of `npm run images`. */
export interface Options {
  /** Stack whose file names images of its own. Default: only the pinned images. */
  readonly stack: string | undefined;
  /** Look for newer releases. */
  readonly newer: boolean;
  /** Write what was found to the stack's file. */
  readonly write: boolean;
  /** File for the report as JSON. */
  readonly json: string | undefined;
}

export const USAGE = `npm run images -- [OPTIONS]   show the digest of each deployed image, and check LiteLLM's signature

  --stack STACK   the images of stacks/Pulumi.STACK.yaml instead of stacks/versions.ts alone
  --newer         show the newest release with the same first number, too
  --write         write images with their digests to the stack's file, with --newer the newest
  --json FILE     write the report as JSON

Reads registries without credentials. Exit code 0: each image has a digest, and LiteLLM's is signed. 1: one has not, or is not.
2: a registry cannot be reached, or the command line is wrong.`;

const OPTIONS = {
  stack: { type: "string" },
  newer: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  json: { type: "string" },
} as const;

/** Parses the command line. Throws {@link UsageError}. */
export function parseOptions(argv: readonly string[]): Options {
  const { stack, newer, write, json } = readArguments(argv, OPTIONS);
  if (write && stack === undefined)
    throw new UsageError("--write needs --stack: whose file to write");
  return { stack, newer, write, json: reportFile("--json", json) };
}
