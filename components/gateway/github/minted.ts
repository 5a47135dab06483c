import type * as pulumi from "@pulumi/pulumi";
import type { MintedForHosts } from "../inspect/inspection.ts";
import { GITHUB_API, GITHUB_GIT, type GithubAccess } from "./hosts.ts";
import { githubSource } from "./source.ts";

const FOLDER = "/etc/github";
const KEY_FILE = "key.pem";

/**
 * The tokens of a GitHub App's installation. Two, because a file for Envoy contains one credential, and Git sends it in
 * another form than the API's clients do.
 */
export function mintedByApp(app: {
  readonly appId: string;
  readonly installationId: string;
  /** The App's private key, as PEM. */
  readonly privateKey: pulumi.Input<string>;
  /** Repositories by the agent's name, for which the tokens are. */
  readonly agents: GithubAccess["agents"];
}): MintedForHosts {
  const { privateKey, ...rest } = app;
  const source = githubSource({ ...rest, privateKeyFile: `${FOLDER}/${KEY_FILE}` });
  return {
    credentials: {
      [GITHUB_GIT]: { source, format: "git" },
      [GITHUB_API]: { source, format: "token" },
    },
    keys: { volume: "github-key", folder: FOLDER, data: { [KEY_FILE]: privateKey } },
  };
}

/** A stored token in the form of each of the two credentials. */
export function storedGithubTokens(token: string): Record<string, string> {
  return {
    [GITHUB_GIT]: Buffer.from(`x-access-token:${token}`).toString("base64"),
    [GITHUB_API]: token,
  };
}
