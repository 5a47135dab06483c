import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { MountedFiles } from "../../kubernetes/workload.ts";
import { type MintConfig, mintConfig } from "../mint/config.ts";
import { GITHUB_API, GITHUB_GIT, type GithubAccess } from "./hosts.ts";
import { githubSource } from "./source.ts";

/** A GitHub App whose tokens the gateway's pod makes. */
export interface GithubApp {
  readonly appId: string;
  readonly installationId: string;
  /** The App's private key, as PEM. */
  readonly privateKey: pulumi.Input<string>;
  /** Repositories by the agent's name, for which the tokens are. */
  readonly agents: GithubAccess["agents"];
}

const KEY = { volume: "github-key", folder: "/etc/github", file: "key.pem" } as const;

/**
 * What the helper mints, by name. Two tokens: a file for Envoy contains one credential, and Git sends it in another form than
 * the API's clients do.
 */
export function githubMints(
  { appId, installationId, agents }: GithubApp,
  secretName: (name: string) => string,
): Record<string, MintConfig> {
  const privateKeyFile = `${KEY.folder}/${KEY.file}`;
  const source = githubSource({ appId, installationId, privateKeyFile, agents });
  return {
    [GITHUB_GIT]: mintConfig(GITHUB_GIT, source, secretName(GITHUB_GIT), "git"),
    [GITHUB_API]: mintConfig(GITHUB_API, source, secretName(GITHUB_API), "token"),
  };
}

/** The Secret with the App's key. */
export function githubKeyFiles({ privateKey }: GithubApp, objectName: string): MountedFiles {
  return {
    volume: KEY.volume,
    objectName: `${objectName}-github-key`,
    data: { [KEY.file]: privateKey },
    secret: true,
  };
}

/** The helper's mount of the key. Envoy has none. */
export const githubKeyMount: types.input.core.v1.VolumeMount = {
  name: KEY.volume,
  mountPath: KEY.folder,
  readOnly: true,
};

/** A stored token in the form of each of the two credentials. */
export function storedGithubTokens(token: string): Record<string, string> {
  return {
    [GITHUB_GIT]: Buffer.from(`x-access-token:${token}`).toString("base64"),
    [GITHUB_API]: token,
  };
}
