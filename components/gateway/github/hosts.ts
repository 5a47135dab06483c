import type { HostCredential, HostRule, InspectedHost } from "../inspect/rules.ts";
import { type AgentRepositories, anyCase, byRepository, type RepositoryAccess } from "./access.ts";
import { restReads, restWrites } from "./rest-parts.ts";

/** Names of the two forms of the one credential: Git sends Basic, the API takes the token itself. */
export const GITHUB_GIT = "github-git";
export const GITHUB_API = "github-api";

/** All hosts of GitHub for which there can be rules. */
export const GITHUB_HOSTS: readonly string[] = [
  "github.com",
  "api.github.com",
  "uploads.github.com",
  "codeload.github.com",
  "release-assets.githubusercontent.com",
  "objects.githubusercontent.com",
  "github-cloud.githubusercontent.com",
  "lfs.github.com",
  "github-cloud.s3.amazonaws.com",
];

/** What `egress.github` is, without the secret. */
export interface GithubAccess {
  /** Repositories by the agent's name. */
  readonly agents: Readonly<Record<string, AgentRepositories>>;
  readonly credential: "app" | "token";
}

const OBJECT_ID = "[0-9a-f]{64}";

/**
 * The hosts of GitHub with what agents may send there. One credential serves all agents, so these rules are what separates
 * them. GraphQL is missing, because the body says which repository it is about; `/repositories/ID` too, because a number can
 * be any repository's.
 */
export function githubHosts({ agents, credential }: GithubAccess): InspectedHost[] {
  const all = byRepository(agents);
  if (all.length === 0) return [];
  const kept = credential === "app" ? "minted" : "stored";
  const written = all.filter(({ writers }) => writers.length > 0);
  // The body of a request for LFS says whether it reads or writes. A token that cannot write needs no rule for that.
  const readsLfs = credential === "app" && written.length === 0;
  const api = { name: GITHUB_API, kept, header: "authorization", prefix: "Bearer " } as const;
  const hosts = [
    {
      host: "github.com",
      rules: all.flatMap((access) => [...git(access), ...lfs(access, readsLfs)]),
      credential: { name: GITHUB_GIT, kept, header: "authorization", prefix: "Basic " },
      refusal:
        "only Git and Git LFS of the repositories that egress.github lists for the agent, and pushes only to those with write",
    },
    {
      host: "api.github.com",
      rules: all.flatMap(rest),
      credential: api,
      refusal:
        "only code, pull requests, issues and releases of the repositories that egress.github lists for the agent, and changes " +
        "only with write; not GraphQL (gh pr create and others): use gh api repos/OWNER/NAME/pulls",
    },
    { host: "uploads.github.com", rules: written.map(upload), credential: api, refusal: UPLOADS },
    { host: "codeload.github.com", rules: all.map(archive), refusal: ARCHIVES },
    ...downloads,
    {
      host: "lfs.github.com",
      rules: written.map(lfsVerify),
      signed: true,
      refusal: LFS_UPLOADS,
    },
    {
      host: "github-cloud.s3.amazonaws.com",
      rules: written.length === 0 ? [] : [lfsUpload],
      signed: true,
      refusal: LFS_UPLOADS,
    },
  ] satisfies readonly (Omit<InspectedHost, "credential"> & { credential?: HostCredential })[];
  return hosts.filter(({ rules }) => rules.length > 0);
}

const UPLOADS =
  "only uploads of files to releases of the repositories that egress.github lists with write for the agent";
const ARCHIVES = "only archives of the repositories that egress.github lists";
const DOWNLOADS = "only downloads to which GitHub's API redirects";
const LFS_UPLOADS = "only uploads of Git LFS, where GitHub's answer tells the client to send them";

/** Where GitHub sends clients for files, by an address that is signed and ends soon. It says no repository's name. */
const downloads: readonly InspectedHost[] = [
  {
    host: "release-assets.githubusercontent.com",
    rules: [download("release file", `/github-production-release-asset/[0-9]+/.+`)],
    refusal: DOWNLOADS,
  },
  {
    host: "objects.githubusercontent.com",
    rules: [download("release file", `/github-production-release-asset[^/]*/[0-9]+/.+`)],
    refusal: DOWNLOADS,
  },
  {
    host: "github-cloud.githubusercontent.com",
    rules: [download("LFS object", `/alambic/media/.+`)],
    refusal: DOWNLOADS,
  },
];

function download(what: string, path: string): HostRule {
  return {
    methods: ["GET", "HEAD"],
    path,
    action: `download a ${what}`.replace("a LFS", "an LFS"),
  };
}

function git({ repository, readers, writers }: RepositoryAccess): HostRule[] {
  const base = `/${anyCase(repository)}(?:\\.git)?`;
  return [
    ...service("git-upload-pack", { base, agents: readers, action: `fetch ${repository}` }),
    ...(writers.length === 0
      ? []
      : service("git-receive-pack", { base, agents: writers, action: `push ${repository}` })),
  ];
}

function service(
  name: string,
  {
    base,
    ...rule
  }: { readonly base: string; readonly agents: readonly string[]; readonly action: string },
): HostRule[] {
  return [
    { methods: ["GET"], path: `${base}/info/refs`, query: `service=${name}`, ...rule },
    { methods: ["POST"], path: `${base}/${name}`, query: "", ...rule },
  ];
}

function lfs({ repository, readers, writers }: RepositoryAccess, reads: boolean): HostRule[] {
  const agents = reads ? readers : writers;
  if (agents.length === 0) return [];
  const base = `/${anyCase(repository)}(?:\\.git)?/info/lfs`;
  const action = `LFS of ${repository}`;
  return [
    { methods: ["POST"], path: `${base}/objects/batch`, agents, action },
    ...(reads
      ? []
      : [
          {
            methods: ["GET", "POST"],
            path: `${base}/locks(?:/verify|/[0-9]+/unlock)?`,
            ...{ agents, action },
          },
        ]),
  ];
}

function rest({ repository, readers, writers }: RepositoryAccess): HostRule[] {
  const base = `/repos/${anyCase(repository)}`;
  const below = (paths: readonly string[]) => `${base}(?:${paths.join("|")})`;
  return [
    {
      methods: restReads.methods,
      path: below(restReads.paths),
      agents: readers,
      action: `read ${repository}`,
    },
    ...(writers.length === 0
      ? []
      : restWrites.map(({ methods, paths }) => ({
          methods,
          path: below(paths),
          agents: writers,
          action: `change ${repository}`,
        }))),
  ];
}

function upload({ repository, writers }: RepositoryAccess): HostRule {
  return {
    methods: ["POST"],
    path: `/repos/${anyCase(repository)}/releases/[0-9]+/assets`,
    agents: writers,
    action: `upload a release file of ${repository}`,
  };
}

/** The client follows a redirect without its token, so the gateway does not know the agent. A private archive is signed. */
function archive({ repository }: RepositoryAccess): HostRule {
  return {
    methods: ["GET", "HEAD"],
    path: `/${anyCase(repository)}/(?:legacy\\.)?(?:tar\\.gz|zip)/.+`,
    action: `download an archive of ${repository}`,
  };
}

function lfsVerify({ repository }: RepositoryAccess): HostRule {
  return {
    methods: ["POST"],
    path: `/${anyCase(repository)}/(?:objects/${OBJECT_ID}/)?verify`,
    action: `check an LFS object of ${repository}`,
  };
}

const lfsUpload: HostRule = {
  methods: ["PUT"],
  path: `/alambic/media/[0-9]+/[0-9a-f]{2}/[0-9a-f]{2}/${OBJECT_ID}`,
  action: "upload an LFS object",
};
