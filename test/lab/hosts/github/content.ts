import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gitIn, type Repository } from "./world.ts";

/** The commit of a branch, a tag or a commit itself. Undefined if there is none. */
export async function commitOf(repository: Repository, name: string): Promise<string | undefined> {
  if (!/^[\w][\w./-]*$/.test(name)) return undefined;
  return gitIn(repository, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]).catch(
    () => undefined,
  );
}

/** A file of a commit, with the id of its content. */
export async function fileOf(
  repository: Repository,
  commit: string,
  path: string,
): Promise<{ readonly sha: string; readonly text: string } | undefined> {
  try {
    const sha = await gitIn(repository, ["rev-parse", "--verify", "--quiet", `${commit}:${path}`]);
    return { sha, text: await gitIn(repository, ["cat-file", "blob", sha]) };
  } catch {
    return undefined;
  }
}

/** Commits a file to a branch, and returns the commit. */
export async function commitFile(
  repository: Repository,
  change: {
    readonly branch: string;
    readonly path: string;
    readonly content: Buffer;
    readonly message: string;
  },
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "commit-"));
  try {
    const file = join(dir, "content");
    await writeFile(file, change.content);
    const parent = await gitIn(repository, ["rev-parse", `refs/heads/${change.branch}`]);
    const env = {
      GIT_INDEX_FILE: join(dir, "index"),
      GIT_AUTHOR_NAME: "lab",
      GIT_AUTHOR_EMAIL: "lab@example.invalid",
      GIT_COMMITTER_NAME: "lab",
      GIT_COMMITTER_EMAIL: "lab@example.invalid",
    };
    const blob = await gitIn(repository, ["hash-object", "-w", file]);
    await gitIn(repository, ["read-tree", parent], { env });
    const entry = `100644,${blob},${change.path}`;
    await gitIn(repository, ["update-index", "--add", "--cacheinfo", entry], { env });
    const tree = await gitIn(repository, ["write-tree"], { env });
    const commit = await gitIn(
      repository,
      ["commit-tree", tree, "-p", parent, "-m", change.message],
      { env },
    );
    await gitIn(repository, ["update-ref", `refs/heads/${change.branch}`, commit, parent]);
    return commit;
  } finally {
    await rm(dir, { recursive: true });
  }
}
