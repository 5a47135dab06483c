import { expect, test } from "vitest";
import { byRepository } from "../../../../../components/gateway/github/access.ts";
import {
  GITHUB_HOSTS,
  type GithubAccess,
  githubHosts,
} from "../../../../../components/gateway/github/hosts.ts";

const ACCESS: GithubAccess = {
  credential: "app",
  agents: {
    "dev-e": { read: ["lab/docs"], write: ["Lab/Hello.js"] },
    "dev-f": { read: ["lab/hello.JS"], write: [] },
  },
};

/** Who may send a request: the agents by their rules' actions, or `everybody`. */
function allowed(target: string, access = ACCESS): Record<string, readonly string[] | "everybody"> {
  const [method = "", url = ""] = target.split(" ");
  const [, host = "", path = "", query = ""] = /^([^/]+)(\/[^?]*)(?:\?(.*))?$/.exec(url) ?? [];
  const rules = githubHosts(access).find((known) => known.host === host)?.rules ?? [];
  const matching = rules.filter(
    (rule) =>
      rule.methods.includes(method) &&
      new RegExp(`^(?:${rule.path})$`, "u").test(path) &&
      (rule.query === undefined || rule.query === query),
  );
  return Object.fromEntries(matching.map(({ action, agents }) => [action, agents ?? "everybody"]));
}

const FETCH = { "fetch Lab/Hello.js": ["dev-e", "dev-f"] };
const PUSH = { "push Lab/Hello.js": ["dev-e"] };
const LFS = { "LFS of Lab/Hello.js": ["dev-e"] };
const READ = { "read Lab/Hello.js": ["dev-e", "dev-f"] };
const CHANGE = { "change Lab/Hello.js": ["dev-e"] };

test.each([
  ["GET github.com/Lab/Hello.js/info/refs?service=git-upload-pack", FETCH],
  ["GET github.com/lab/hello.js.git/info/refs?service=git-upload-pack", FETCH],
  ["GET github.com/LAB/HELLO.JS.git/info/refs?service=git-upload-pack", FETCH],
  ["POST github.com/lab/hello.js.git/git-upload-pack", FETCH],
  ["GET github.com/lab/hello.js.git/info/refs?service=git-receive-pack", PUSH],
  ["POST github.com/lab/hello.js.git/git-receive-pack", PUSH],
  ["POST github.com/lab/hello.js.git/info/lfs/objects/batch", LFS],
  ["POST github.com/lab/hello.js.git/info/lfs/locks/verify", LFS],
  ["POST github.com/lab/hello.js.git/info/lfs/locks/17/unlock", LFS],
  ["GET github.com/lab/docs/info/refs?service=git-upload-pack", { "fetch lab/docs": ["dev-e"] }],
  ["GET api.github.com/repos/lab/hello.js", READ],
  ["HEAD api.github.com/repos/lab/hello.js", READ],
  ["GET api.github.com/repos/lab/hello.js/pulls?state=open", READ],
  ["GET api.github.com/repos/lab/hello.js/contents/src/a%20b.ts", READ],
  ["GET api.github.com/repos/lab/hello.js/git/ref/heads%2Ffix/1", READ],
  ["GET api.github.com/repos/lab/hello.js/compare/main...fix", READ],
  ["GET api.github.com/repos/lab/hello.js/commits/main/check-runs", READ],
  ["GET api.github.com/repos/lab/hello.js/releases/assets/7", READ],
  ["PUT api.github.com/repos/lab/hello.js/contents/a.ts", CHANGE],
  ["POST api.github.com/repos/lab/hello.js/git/refs", CHANGE],
  ["POST api.github.com/repos/lab/hello.js/pulls", CHANGE],
  ["PATCH api.github.com/repos/lab/hello.js/pulls/4", CHANGE],
  ["PUT api.github.com/repos/lab/hello.js/pulls/4/merge", CHANGE],
  ["POST api.github.com/repos/lab/hello.js/issues", CHANGE],
  ["POST api.github.com/repos/lab/hello.js/issues/4/comments", CHANGE],
  ["DELETE api.github.com/repos/lab/hello.js/issues/4/labels/a%20b", CHANGE],
  ["POST api.github.com/repos/lab/hello.js/releases", CHANGE],
  ["DELETE api.github.com/repos/lab/hello.js/releases/4", CHANGE],
  [
    "POST uploads.github.com/repos/lab/hello.js/releases/4/assets?name=a.zip",
    { "upload a release file of Lab/Hello.js": ["dev-e"] },
  ],
  [
    "GET codeload.github.com/Lab/Hello.js/legacy.tar.gz/refs/heads/main?token=A",
    { "download an archive of Lab/Hello.js": "everybody" },
  ],
  [
    "GET release-assets.githubusercontent.com/github-production-release-asset/1/2?sig=A",
    { "download a release file": "everybody" },
  ],
  [
    "GET objects.githubusercontent.com/github-production-release-asset-2e65be/1/2?sig=A",
    { "download a release file": "everybody" },
  ],
  [
    `GET github-cloud.githubusercontent.com/alambic/media/1/ab/cd/${"ab".repeat(32)}`,
    { "download an LFS object": "everybody" },
  ],
  [
    `PUT github-cloud.s3.amazonaws.com/alambic/media/1/ab/cd/${"ab".repeat(32)}?actor_id=1`,
    { "upload an LFS object": "everybody" },
  ],
  [
    `POST lfs.github.com/lab/hello.js/objects/${"ab".repeat(32)}/verify`,
    { "check an LFS object of Lab/Hello.js": "everybody" },
  ],
])("allows %s", (target, who) => {
  expect(allowed(target)).toEqual(who);
});

test.each([
  // Another repository, or another name that looks alike.
  "GET github.com/lab/secret/info/refs?service=git-upload-pack",
  "GET github.com/lab/hello-js/info/refs?service=git-upload-pack",
  "GET github.com/lab/hello.jsx/info/refs?service=git-upload-pack",
  "GET github.com/lab/hello.js.wiki.git/info/refs?service=git-upload-pack",
  "GET github.com/other/lab/hello.js/info/refs?service=git-upload-pack",
  "GET github.com/lab/doc\u017f/info/refs?service=git-upload-pack",
  "GET github.com/lab/docs%2e/info/refs?service=git-upload-pack",
  "GET github.com/lab%2fdocs/info/refs?service=git-upload-pack",
  "GET github.com/lab/docs//info/refs?service=git-upload-pack",
  "GET github.com/lab/docs/../secret/info/refs?service=git-upload-pack",
  "GET github.com/lab/docs;x/info/refs?service=git-upload-pack",
  // The service twice, in another case, encoded, or with more.
  "GET github.com/lab/docs/info/refs",
  "GET github.com/lab/docs/info/refs?service=git-upload-pack&service=git-receive-pack",
  "GET github.com/lab/docs/info/refs?service=git-receive-pack",
  "GET github.com/lab/docs/info/refs?service=GIT-UPLOAD-PACK",
  "GET github.com/lab/docs/info/refs?service=git%2Dupload-pack",
  "GET github.com/lab/docs/info/refs?SERVICE=git-upload-pack",
  "POST github.com/lab/docs/info/refs?service=git-upload-pack",
  "POST github.com/lab/docs/git-receive-pack",
  "GET github.com/lab/docs/git-upload-pack",
  "POST github.com/lab/docs/git-upload-pack/../git-receive-pack",
  "POST github.com/lab/docs/git-upload-pack?service=git-receive-pack",
  "GET github.com/lab/docs/HEAD",
  "GET github.com/lab/docs/objects/info/packs",
  "GET github.com/lab/docs",
  "GET github.com/lab/docs/settings",
  "GET github.com/lab/docs/archive/refs/heads/main.tar.gz",
  // Reading by LFS cannot be told from writing.
  "POST github.com/lab/docs.git/info/lfs/objects/batch",
  "POST github.com/lab/docs.git/info/lfs/locks",
  "DELETE github.com/lab/hello.js.git/info/lfs/objects/batch",
  // Not of one repository.
  "POST api.github.com/graphql",
  "GET api.github.com/",
  "GET api.github.com/user",
  "GET api.github.com/user/repos",
  "GET api.github.com/rate_limit",
  "GET api.github.com/installation/repositories",
  "GET api.github.com/repositories/1296269",
  "GET api.github.com/repositories/1296269/contents/a",
  "GET api.github.com/search/code?q=x",
  "POST api.github.com/gists",
  "POST api.github.com/user/repos",
  "POST api.github.com/app/installations/1/access_tokens",
  "GET api.github.com/repos/lab/secret",
  "GET api.github.com/repos/lab/hello.js.git",
  "GET api.github.com/repos/lab/hello.js/",
  "GET api.github.com/REPOS/lab/hello.js",
  // Access, settings, secrets; taking the repository elsewhere or away.
  "PATCH api.github.com/repos/lab/hello.js",
  "DELETE api.github.com/repos/lab/hello.js",
  "POST api.github.com/repos/lab/hello.js/transfer",
  "POST api.github.com/repos/lab/hello.js/forks",
  "GET api.github.com/repos/lab/hello.js/forks",
  "POST api.github.com/repos/lab/hello.js/generate",
  "POST api.github.com/repos/lab/hello.js/merge-upstream",
  "POST api.github.com/repos/lab/hello.js/branches/main/rename",
  "PUT api.github.com/repos/lab/hello.js/branches/main/protection",
  "DELETE api.github.com/repos/lab/hello.js/branches/main/protection",
  "POST api.github.com/repos/lab/hello.js/rulesets",
  "PUT api.github.com/repos/lab/hello.js/collaborators/eve",
  "GET api.github.com/repos/lab/hello.js/collaborators",
  "PUT api.github.com/repos/lab/hello.js/topics",
  "GET api.github.com/repos/lab/hello.js/keys",
  "POST api.github.com/repos/lab/hello.js/keys",
  "GET api.github.com/repos/lab/hello.js/hooks",
  "POST api.github.com/repos/lab/hello.js/hooks",
  "GET api.github.com/repos/lab/hello.js/actions/secrets",
  "PUT api.github.com/repos/lab/hello.js/actions/secrets/A",
  "GET api.github.com/repos/lab/hello.js/actions/variables",
  "PUT api.github.com/repos/lab/hello.js/actions/permissions",
  "GET api.github.com/repos/lab/hello.js/environments",
  "PUT api.github.com/repos/lab/hello.js/environments/prod",
  "GET api.github.com/repos/lab/hello.js/traffic/views",
  "POST api.github.com/repos/lab/hello.js/pages",
  // What starts workflows, or passes required checks.
  "POST api.github.com/repos/lab/hello.js/dispatches",
  "POST api.github.com/repos/lab/hello.js/actions/workflows/1/dispatches",
  "POST api.github.com/repos/lab/hello.js/actions/runs/1/rerun",
  `POST api.github.com/repos/lab/hello.js/statuses/${"a".repeat(40)}`,
  "POST api.github.com/repos/lab/hello.js/check-runs",
  "POST api.github.com/repos/lab/hello.js/deployments",
  // Another repository of the same network of forks.
  "GET api.github.com/repos/lab/hello.js/compare/main...other:main",
  "GET api.github.com/repos/lab/hello.js/compare/main...other%3Amain",
  "GET api.github.com/repos/lab/hello.js/compare/main...other%3amain",
  "POST api.github.com/repos/lab/hello.js/issues/1/sub_issues",
  // Writing where only reading is listed.
  "PUT api.github.com/repos/lab/docs/contents/a",
  "POST api.github.com/repos/lab/docs/pulls",
  "POST uploads.github.com/repos/lab/docs/releases/1/assets?name=a",
  `POST lfs.github.com/lab/docs/objects/${"ab".repeat(32)}/verify`,
  "GET uploads.github.com/repos/lab/hello.js/releases/1/assets",
  // The storage's other parts.
  "PUT github-cloud.githubusercontent.com/alambic/media/1/ab/cd/x",
  "GET github-cloud.s3.amazonaws.com/alambic/media/1/ab/cd/x",
  "PUT github-cloud.s3.amazonaws.com/other-bucket/x",
  "GET codeload.github.com/lab/secret/legacy.tar.gz/refs/heads/main?token=A",
  "GET objects.githubusercontent.com/github-production-user-asset/1/2",
  "GET raw.githubusercontent.com/lab/hello.js/main/a",
])("allows nobody %s", (target) => {
  expect(allowed(target)).toEqual({});
});

test("a token that cannot write lets agents read by LFS, and nothing is uploaded", () => {
  const access: GithubAccess = {
    credential: "app",
    agents: { "dev-f": { read: ["lab/docs"], write: [] } },
  };
  expect(allowed("POST github.com/lab/docs.git/info/lfs/objects/batch", access)).toEqual({
    "LFS of lab/docs": ["dev-f"],
  });
  expect(allowed("POST github.com/lab/docs.git/info/lfs/locks", access)).toEqual({});
  expect(githubHosts(access).map(({ host }) => host)).toEqual([
    "github.com",
    "api.github.com",
    "codeload.github.com",
    "release-assets.githubusercontent.com",
    "objects.githubusercontent.com",
    "github-cloud.githubusercontent.com",
  ]);
  // Nobody knows what a token of the config's may do.
  expect(
    allowed("POST github.com/lab/docs.git/info/lfs/objects/batch", {
      ...access,
      credential: "token",
    }),
  ).toEqual({});
});

test("the credential goes to three hosts, in the form that each takes, and to no storage", () => {
  expect(githubHosts(ACCESS).map(({ host, credential }) => [host, credential])).toEqual([
    [
      "github.com",
      { name: "github-git", kept: "minted", header: "authorization", prefix: "Basic " },
    ],
    [
      "api.github.com",
      { name: "github-api", kept: "minted", header: "authorization", prefix: "Bearer " },
    ],
    [
      "uploads.github.com",
      { name: "github-api", kept: "minted", header: "authorization", prefix: "Bearer " },
    ],
    ["codeload.github.com", undefined],
    ["release-assets.githubusercontent.com", undefined],
    ["objects.githubusercontent.com", undefined],
    ["github-cloud.githubusercontent.com", undefined],
    ["lfs.github.com", undefined],
    ["github-cloud.s3.amazonaws.com", undefined],
  ]);
  const stored = githubHosts({ ...ACCESS, credential: "token" });
  expect(stored[0]?.credential?.kept).toBe("stored");
});

test("the list of hosts has those of the rules", () => {
  expect(GITHUB_HOSTS).toEqual(githubHosts(ACCESS).map(({ host }) => host));
});

test("without repositories there is no host", () => {
  expect(githubHosts({ credential: "app", agents: {} })).toEqual([]);
  expect(githubHosts({ credential: "app", agents: { a: { read: [], write: [] } } })).toEqual([]);
});

test("a repository is one, however its name is written", () => {
  expect(byRepository(ACCESS.agents)).toEqual([
    { repository: "lab/docs", readers: ["dev-e"], writers: [] },
    { repository: "Lab/Hello.js", readers: ["dev-e", "dev-f"], writers: ["dev-e"] },
  ]);
});
