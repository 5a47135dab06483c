import { BadInput, readArguments, UsageError } from "../../../cli/command-line.ts";
import { stackOptions } from "../../lab/stack-options.ts";

/** The options of `npm run verify`. */
export interface Options {
  readonly subject:
    | { readonly kind: "stack"; readonly stack: string; readonly kubeconfig: string | undefined }
    | { readonly kind: "url"; readonly url: string }
    | { readonly kind: "all-paths" };
  /** Files to write in addition to the table on the terminal. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  readonly junit: string | undefined;
  readonly long: boolean;
}

export const USAGE = `npm run verify -- --stack STACK [OPTIONS]   measure a stack's gateway
npm run verify -- --all-paths [OPTIONS]      measure every path, each in its own spike
npm run verify -- --url URL [OPTIONS]        measure another gateway, from outside;
                                             set its token in ANTHROPIC_AUTH_TOKEN

  --json FILE         write the report as JSON
  --html FILE         write the report as one self-contained page
  --junit FILE        write the results as a JUnit file, for CI
  --long              also run the check that waits through 310 s of silence
  --kubeconfig FILE   for a stack that npm run local -- --kubeconfig FILE deployed`;

const OPTIONS = {
  stack: { type: "string" },
  url: { type: "string" },
  "all-paths": { type: "boolean", default: false },
  json: { type: "string" },
  html: { type: "string" },
  junit: { type: "string" },
  long: { type: "boolean", default: false },
  kubeconfig: { type: "string" },
} as const;

/** Parses the command line. Throws {@link BadInput}. */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Options {
  const values = readArguments(argv, OPTIONS);
  const given = [values.stack, values.url, values["all-paths"] ? "" : undefined].filter(
    (value) => value !== undefined,
  );
  if (given.length !== 1) {
    throw new UsageError("give exactly one of --stack, --all-paths and --url");
  }
  if (values.kubeconfig !== undefined && values.stack === undefined) {
    throw new BadInput("--kubeconfig can only be used with --stack");
  }
  return {
    subject: subjectOf(values, env),
    json: values.json,
    html: values.html,
    junit: values.junit,
    long: values.long,
  };
}

function subjectOf(
  values: { stack?: string | undefined; url?: string | undefined; kubeconfig?: string | undefined },
  env: NodeJS.ProcessEnv,
): Options["subject"] {
  if (values.stack !== undefined) {
    return { kind: "stack", ...stackOptions(values.stack, values.kubeconfig) };
  }
  if (values.url === undefined) return { kind: "all-paths" };
  const url = URL.parse(values.url);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== "" || url.username !== "") {
    throw new BadInput(
      `--url ${JSON.stringify(values.url)} is not a base URL: write it as in ANTHROPIC_BASE_URL`,
    );
  }
  if ((env.ANTHROPIC_AUTH_TOKEN ?? env.ANTHROPIC_API_KEY ?? "") === "") {
    throw new BadInput("--url needs the gateway's token: set ANTHROPIC_AUTH_TOKEN");
  }
  return { kind: "url", url: values.url };
}
