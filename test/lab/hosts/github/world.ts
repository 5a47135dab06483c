import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** A repository as a test sets it up. */
export interface RepositorySettings {
  /** `owner/name`. */
  readonly name: string;
  /** Without permission, a private one does not exist. Default false. */
  readonly private?: boolean;
  /** Full names that it had before, which redirect to it. */
  readonly formerNames?: readonly string[];
  /** Full name of the repository that it is a fork of. */
  readonly forkOf?: string;
  /** Files of its first commit on `main`, by path. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Pull {
  readonly number: number;
  title: string;
  body: string;
  state: "open" | "closed";
  merged: boolean;
  readonly head: string;
  readonly base: string;
}

export interface Issue {
  readonly number: number;
  title: string;
  body: string;
  state: "open" | "closed";
  readonly comments: string[];
}

export interface Release {
  readonly id: number;
  readonly tag: string;
  readonly name: string;
  readonly assets: { readonly id: number; readonly name: string; readonly content: Buffer }[];
}

/** A repository that exists. */
export interface Repository {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly formerNames: readonly string[];
  readonly forkOf: string | undefined;
  /** The bare Git repository. */
  readonly dir: string;
  readonly pulls: Pull[];
  readonly issues: Issue[];
  readonly releases: Release[];
  readonly statuses: Record<string, unknown>[];
  /** Objects of LFS by their id. */
  readonly largeFiles: Map<string, Buffer>;
  /** Requests that changed its settings, as `METHOD path`. */
  readonly settingsChanged: string[];
}

/** All repositories. Names of owners and repositories have no case. */
export class World {
  readonly repositories: Repository[] = [];
  readonly #root: string;
  #numbers = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** The next number for an issue, a release or an asset. */
  next(): number {
    return ++this.#numbers;
  }

  /** Adds a repository, with one commit. A fork has the commits of the other one. */
  async add(settings: RepositorySettings): Promise<Repository> {
    const [owner = "", name = ""] = settings.name.split("/");
    const dir = join(this.#root, `${settings.name.toLowerCase()}.git`);
    const parent =
      settings.forkOf === undefined ? undefined : this.named(settings.forkOf)?.repository;
    if (parent === undefined) await this.#init(dir, settings.files);
    else await exec("git", ["clone", "--quiet", "--bare", parent.dir, dir]);
    await exec("git", ["-C", dir, "config", "http.receivepack", "true"]);
    const repository: Repository = {
      id: 1000 + this.repositories.length,
      ...{ owner, name, dir },
      private: settings.private ?? false,
      formerNames: (settings.formerNames ?? []).map((former) => former.toLowerCase()),
      forkOf: settings.forkOf,
      ...{ pulls: [], issues: [], releases: [], statuses: [], settingsChanged: [] },
      largeFiles: new Map(),
    };
    this.repositories.push(repository);
    return repository;
  }

  /** The repository of a name in any case, and whether the name is a former one. */
  named(name: string): { readonly repository: Repository; readonly former: boolean } | undefined {
    const wanted = name.toLowerCase();
    const repository = this.repositories.find((known) => fullName(known).toLowerCase() === wanted);
    if (repository !== undefined) return { repository, former: false };
    const renamed = this.repositories.find(({ formerNames }) => formerNames.includes(wanted));
    return renamed && { repository: renamed, former: true };
  }

  async #init(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
    const work = `${dir}.work`;
    await mkdir(work, { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(join(work, path), text);
    const author = ["-c", "user.name=lab", "-c", "user.email=lab@example.invalid"];
    await exec("git", ["init", "--quiet", "--initial-branch=main", work]);
    await exec("git", ["-C", work, "add", "."]);
    await exec("git", ["-C", work, ...author, "commit", "--quiet", "--message=hello"]);
    await exec("git", ["clone", "--quiet", "--bare", work, dir]);
  }
}

export function fullName({ owner, name }: Repository): string {
  return `${owner}/${name}`;
}

/** The output of a Git command in a repository. */
export async function gitIn(
  { dir }: Repository,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { stdout } = await exec("git", ["-C", dir, ...args], {
    env: { ...process.env, ...options.env },
  });
  return stdout.trimEnd();
}
