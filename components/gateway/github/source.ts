import type { GithubSource } from "../mint/config.ts";
import { byRepository } from "./access.ts";
import type { GithubAccess } from "./hosts.ts";

/** What an App's token may do, where the rules allow changes, and where they allow reading only. */
const READS = ["actions", "checks", "metadata", "statuses"] as const;
const CHANGES = ["contents", "issues", "pull_requests"] as const;

/** How an App's token is minted: for the listed repositories alone, and what the rules allow in them. */
export function githubSource(args: {
  readonly appId: string;
  readonly installationId: string;
  /** File with the App's private key in the helper's container. */
  readonly privateKeyFile: string;
  readonly agents: GithubAccess["agents"];
}): GithubSource {
  const { agents, ...app } = args;
  const all = byRepository(agents);
  const change = all.some(({ writers }) => writers.length > 0) ? "write" : "read";
  return {
    kind: "github",
    ...app,
    // An installation is one account's, so the names are enough.
    repositories: all.map(({ repository }) => repository.slice(repository.indexOf("/") + 1)),
    permissions: Object.fromEntries([
      ...CHANGES.map((name) => [name, change] as const),
      ...READS.map((name) => [name, "read"] as const),
    ]),
  };
}
