/**
 * A stand-in for GitHub's hosts, as its REST reference, the documentation of Git LFS and reports of users say. Git itself is
 * real (`git http-backend`). Nothing was tried with the real service. Known to differ: rate limits, pagination, webhooks,
 * branch protection, pushes to `.github/workflows` (GitHub demands the permission `workflows`) and the
 * website are missing; signatures are a fixed text; GraphQL answers the caller's name to everything; how GitHub signs an
 * upload of LFS is from a report of 2017 (git-lfs/git-lfs#1897); the texts of refusals are from reports.
 */
import type { GithubTokens } from "../../tokens/github.ts";
import { commitOf } from "./content.ts";
import { uploadEndpoint } from "./endpoints-releases.ts";
import { git } from "./git.ts";
import { type FineGrainedTokens, Grants, may, sees } from "./grants.ts";
import { type Answer, problem, type Received, type Request, text } from "./http.ts";
import { lfs, lfsStorage, lfsVerify } from "./lfs.ts";
import { rest } from "./rest.ts";
import { gitIn, World } from "./world.ts";

/** The hosts that it answers for. */
export const GITHUB_HOSTS = [
  "github.com",
  "api.github.com",
  "uploads.github.com",
  "codeload.github.com",
  "release-assets.githubusercontent.com",
  "github-cloud.githubusercontent.com",
  "github-cloud.s3.amazonaws.com",
  "lfs.github.com",
] as const;

export class Github {
  readonly world: World;
  readonly received: Received[] = [];
  readonly #grants: Grants;
  readonly #app: GithubTokens | undefined;

  /** Keeps its Git repositories in a folder of the caller's. */
  constructor(settings: {
    readonly root: string;
    readonly tokens?: FineGrainedTokens;
    readonly app?: GithubTokens | undefined;
  }) {
    this.world = new World(settings.root);
    this.#app = settings.app;
    this.#grants = new Grants(settings.tokens ?? {}, settings.app);
  }

  async answer(request: Request): Promise<Answer> {
    const answer = (await this.#answer(request)) ?? text(404, "Not Found");
    const { host, method, headers } = request;
    const query = request.query.size > 0 ? `?${request.query.toString()}` : "";
    const path = `${request.path}${query}`;
    this.received.push({ host, method, path, headers, status: answer.status });
    return answer;
  }

  async #answer(request: Request): Promise<Answer | undefined> {
    switch (request.host) {
      case "github.com":
        return (
          (await git(this.world, this.#grants, request)) ?? lfs(this.world, this.#grants, request)
        );
      case "api.github.com":
        return rest(this.world, this.#grants, this.#app, request);
      case "uploads.github.com":
        return this.#upload(request);
      case "codeload.github.com":
        return this.#archive(request);
      case "release-assets.githubusercontent.com":
        return this.#asset(request);
      case "lfs.github.com":
        return lfsVerify(this.world, request);
      default:
        return lfsStorage(this.world, request);
    }
  }

  async #upload(request: Request): Promise<Answer> {
    const [, name = "", below = ""] = /^\/repos\/([^/]+\/[^/]+)(\/.*)$/.exec(request.path) ?? [];
    const caller = this.#grants.callerOf(request, "any");
    if (caller === "unknown") return problem(401, "Bad credentials");
    const repository = this.world.named(name)?.repository;
    const parts = uploadEndpoint.path.exec(below);
    if (repository === undefined || parts === null || !sees(caller, repository)) {
      return problem(404, "Not Found");
    }
    if (request.method !== "POST" || !may(caller, repository, "contents", "write")) {
      return problem(403, "Resource not accessible by integration");
    }
    return uploadEndpoint.answer({ world: this.world, caller, repository, request, parts });
  }

  async #archive({ path, query }: Request): Promise<Answer | undefined> {
    const [, name = "", ref = ""] = /^\/([^/]+\/[^/]+)\/legacy\.tar\.gz\/(.+)$/.exec(path) ?? [];
    const repository = this.world.named(name)?.repository;
    if (repository === undefined || query.get("token") !== "SIGNED") return undefined;
    const commit = await commitOf(repository, ref);
    return commit === undefined
      ? undefined
      : { status: 200, body: await gitIn(repository, ["ls-tree", "--name-only", commit]) };
  }

  /** A credential beside the signature is an error there. */
  #asset({ path, query, headers }: Request): Answer | undefined {
    if (headers.authorization !== undefined) return { status: 400 };
    const [, repositoryId, id] =
      /^\/github-production-release-asset\/(\d+)\/(\d+)$/.exec(path) ?? [];
    const asset = this.world.repositories
      .filter((known) => known.id === Number(repositoryId))
      .flatMap(({ releases }) => releases)
      .flatMap(({ assets }) => assets)
      .find((known) => known.id === Number(id));
    return asset === undefined || query.get("sig") !== "SIGNED"
      ? undefined
      : { status: 200, body: asset.content };
  }
}
