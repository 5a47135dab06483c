import type { KeyObject } from "node:crypto";
import { GithubTokens } from "../../tokens/github.ts";
import type { Github } from "./github.ts";

/** The one file of the repositories. */
export const publicFile = { file: "README.md", text: "hello from the lab\n" } as const;

/** The App of the lab, and its installation on the account `lab`. */
export const LAB_APP = { appId: "1234", installationId: "5678" } as const;

/** The App's tokens. It is granted more than a stack asks for. */
export function labApp(publicKey: KeyObject): GithubTokens {
  return new GithubTokens({
    ...{ id: LAB_APP.appId, installationId: LAB_APP.installationId, owner: "lab", publicKey },
    repositories: ["hello", "work", "docs", "secret"],
    permissions: {
      actions: "read",
      administration: "write",
      checks: "read",
      contents: "write",
      issues: "write",
      metadata: "read",
      pull_requests: "write",
      statuses: "read",
    },
    lifetimeSeconds: 3600,
  });
}

/** A public repository, and private ones. */
export async function addLabRepositories({ world }: Github): Promise<void> {
  const files = { [publicFile.file]: publicFile.text };
  await world.add({ name: "lab/hello", files });
  for (const name of ["lab/work", "lab/docs", "lab/secret"]) {
    await world.add({ name, private: true, files });
  }
}
