import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type GithubAccess, githubHosts } from "../../components/gateway/github/hosts.ts";
import { commitOf } from "../lab/hosts/github/content.ts";
import { eventually } from "./envoy.ts";
import { ACCESS, GithubRange, type Who } from "./github-range.ts";

let range: GithubRange;

const GIT_RULE =
  "gateway: only Git and Git LFS of the repositories that egress.github lists for the agent, and pushes only to those with write";
const API_RULE =
  "gateway: only code, pull requests, issues and releases of the repositories that egress.github lists for the agent, and changes " +
  "only with write; not GraphQL (gh pr create and others): use gh api repos/OWNER/NAME/pulls";

beforeAll(async () => {
  range = await GithubRange.open();
  // A clone that both agents try to push from.
  await range.git("dev-e", "clone", "--quiet", "https://github.com/lab/hello", "work");
  await writeFile(join(range.dir, "work/a.txt"), "a\n");
  await range.git("dev-e", "-C", "work", "add", ".");
  await range.git("dev-e", "-C", "work", "commit", "--quiet", "--message=a");
});

afterAll(async () => {
  await range.close();
});

beforeEach(() => {
  range.forget();
});

/** Lines of the log about an agent. */
const ofAgents = () =>
  range.envoy.accessLog.filter(
    ({ listener, agent }) => listener === "inspect" && typeof agent === "string",
  );

const push = (who: Who, branch: string) =>
  range.git(who, "-C", "work", "push", "origin", `HEAD:refs/heads/${branch}`);

const branch = (name: string) => {
  const repository = range.github.world.named("lab/hello")?.repository;
  return repository && commitOf(repository, `refs/heads/${name}`);
};

describe("Git says what is not allowed, GitHub hears nothing, and one line of the log names the agent", () => {
  test.each([
    {
      name: "a push by an agent that may read",
      args: ["-C", "work", "push", "origin", "HEAD:refs/heads/evil"],
      request: "GET /lab/hello/info/refs?service=git-receive-pack",
    },
    {
      name: "a repository that nobody may read",
      args: ["clone", "https://github.com/lab/secret", "x"],
      request: "GET /lab/secret/info/refs?service=git-upload-pack",
    },
    {
      name: "another agent's repository",
      args: ["clone", "https://github.com/lab/docs", "x"],
      request: "GET /lab/docs/info/refs?service=git-upload-pack",
    },
    {
      name: "a fork",
      args: ["clone", "https://github.com/eve/hello", "x"],
      request: "GET /eve/hello/info/refs?service=git-upload-pack",
    },
    {
      name: "a public repository",
      args: ["clone", "https://github.com/eve/public", "x"],
      request: "GET /eve/public/info/refs?service=git-upload-pack",
    },
    {
      name: "a push to somebody else's repository",
      args: ["-C", "work", "push", "https://github.com/eve/public", "HEAD:refs/heads/evil"],
      request: "GET /eve/public/info/refs?service=git-receive-pack",
    },
  ])("$name", async ({ args, request }) => {
    const { code, stderr } = await range.git("dev-f", ...args);
    expect(code).toBe(128);
    expect(stderr).toContain(`remote: ${GIT_RULE}: ${request} is not allowed\n`);
    expect(stderr).toContain("The requested URL returned error: 403");
    await range.envoy.logged(({ agent }) => agent === "dev-f");
    expect(ofAgents()).toMatchObject([
      {
        agent: "dev-f",
        host: "github.com",
        path: request.replace(/^GET |\?.*/g, ""),
        action: null,
        refused: "rule",
        status: 403,
        upstream: null,
      },
    ]);
    expect(range.github.received).toEqual([]);
  });
});

test("a renamed repository redirects, and its present name is not allowed", async () => {
  const { code, stderr } = await range.git("dev-f", "clone", "https://github.com/lab/old", "x");
  expect(code).toBe(128);
  expect(stderr).toContain(
    `remote: ${GIT_RULE}: GET /lab/new.git/info/refs?service=git-upload-pack is not allowed\n`,
  );
  const answer = await range.ask("dev-f", "GET api.github.com/repos/lab/old/issues", {
    more: ["--location"],
  });
  expect(answer.status).toBe(403);
  expect(answer.body).toMatch(/GET \/repositories\/\d+\/issues is not allowed/);
  expect(range.github.received.map(({ path, status }) => `${path} ${status}`)).toEqual([
    "/lab/old/info/refs?service=git-upload-pack 301",
    "/repos/lab/old/issues 301",
  ]);
});

test("without an agent's token nothing gets through", async () => {
  const clone = await range.git("nobody", "clone", "https://github.com/lab/hello", "x");
  expect(clone.code).toBe(128);
  for (const url of ["api.github.com/repos/lab/hello", "github.com/lab/hello/info/refs"]) {
    expect((await range.ask("nobody", `GET ${url}`)).status).toBe(401);
  }
  const own = ["--header", "authorization: token github_pat_of_its_own"];
  const other = await range.ask("nobody", "GET api.github.com/repos/lab/hello", { more: own });
  expect(other.status).toBe(401);
  expect(range.github.received).toEqual([]);
});

const SETTINGS = [
  "PATCH api.github.com/repos/lab/hello",
  "DELETE api.github.com/repos/lab/hello",
  "POST api.github.com/repos/lab/hello/transfer",
  "POST api.github.com/repos/lab/hello/forks",
  "POST api.github.com/repos/lab/hello/merge-upstream",
  "POST api.github.com/repos/lab/hello/dispatches",
  "PUT api.github.com/repos/lab/hello/collaborators/eve",
  "POST api.github.com/repos/lab/hello/keys",
  "POST api.github.com/repos/lab/hello/hooks",
  "PUT api.github.com/repos/lab/hello/branches/main/protection",
  "PUT api.github.com/repos/lab/hello/actions/secrets/A",
  "PUT api.github.com/repos/lab/hello/environments/prod",
  "POST api.github.com/repos/eve/hello/pulls",
  "GET api.github.com/repos/lab/hello/compare/main...eve:main",
  "GET api.github.com/repos/lab/secret/contents/SECRET.md",
  "GET api.github.com/user",
  "GET api.github.com/rate_limit",
  "POST api.github.com/graphql",
  "GET api.github.com/repositories/1002/contents/SECRET.md",
];

test.each(SETTINGS)("%s is refused even with write, and not sent", async (request) => {
  const [method = "", url = ""] = request.split(" ");
  const path = url.slice(url.indexOf("/"));
  const answer = await range.ask("dev-e", request, method === "GET" ? {} : { body: {} });
  expect(answer.status).toBe(403);
  const { message } = JSON.parse(answer.body) as { message: string };
  expect(message).toBe(`${API_RULE}: ${method} ${path} is not allowed`);
  expect(range.github.received).toEqual([]);
  await range.envoy.logged(({ agent }) => agent === "dev-e");
  expect(ofAgents()).toMatchObject([{ agent: "dev-e", method, refused: "rule", status: 403 }]);
});

test.each([
  "github.com/lab/hello/../secret/info/refs?service=git-upload-pack",
  "github.com/lab/hello/%2e%2e/secret/info/refs?service=git-upload-pack",
  "github.com/lab/hello/..%2fsecret/info/refs?service=git-upload-pack",
  "github.com/lab/hello/..;/secret/info/refs?service=git-upload-pack",
  "github.com//lab/secret/info/refs?service=git-upload-pack",
  "github.com/lab/hello%00/../secret/info/refs?service=git-upload-pack",
  "github.com/lab/hello/info/refs?service=git-upload-pack&service=git-receive-pack",
  "github.com/lab/hello/info/refs?service=git-receive-pack",
  "github.com/lab/hello/info/refs?service=git%2dupload-pack",
  "github.com/lab/hello/info/refs?Service=git-upload-pack",
  "github.com/lab/hello/info/refs",
  "github.com/lab/hell%6f/info/refs?service=git-upload-pack",
  "github.com/lab/secret/info/refs?service=git-upload-pack&x=/lab/hello/info/refs",
  "github.com/lab/hello/info/refs#?service=git-upload-pack",
  "api.github.com/repos/lab/hello/../secret/contents/SECRET.md",
  "api.github.com/repos/lab/hello/contents/..%2f..%2f..%2fsecret/contents/SECRET.md",
  "api.github.com/repos/lab/hello/contents/%2e%2e/%2e%2e/%2e%2e/secret",
  "api.github.com/repos/lab/hello\\..\\secret",
  "api.github.com/repos//lab/hello",
  "api.github.com/repos/lab/hello%2f..%2fsecret",
  "api.github.com/repos/\u212Aab/hello",
])("an agent that may read does not get elsewhere by %s", async (url) => {
  const { status } = await range.ask("dev-f", `GET ${url}`).catch(() => ({ status: 0 }));
  expect([400, 403, 404]).toContain(status);
  expect(range.github.received).toEqual([]);
});

test("the name of the host is that of the connection", async () => {
  const { status } = await range.ask("dev-e", "GET github.com/repos/lab/hello", {
    more: ["--header", "host: api.github.com"],
  });
  expect(status).toBe(421);
  expect(range.github.received).toEqual([]);
});

/** Waits until rules that came later are in force. */
async function withAccess(agents: GithubAccess["agents"], inForce: () => Promise<boolean>) {
  await range.setHosts(githubHosts({ credential: "app", agents }));
  await eventually(inForce, (is) => is);
}

test("Envoy takes the rules of the longest name", async () => {
  const name = `${"o".repeat(39)}/${"r".repeat(100)}`;
  await withAccess({ "dev-e": { read: [], write: [name] } }, async () => {
    const { status } = await range.ask("dev-e", `GET api.github.com/repos/${name}`);
    return status === 404;
  });
  await withAccess(ACCESS.agents, async () => {
    const { status } = await range.ask("dev-e", "GET api.github.com/repos/lab/hello");
    return status === 200;
  });
});

test("the one token could do it: the rule alone keeps an agent from pushing", async () => {
  expect((await push("dev-f", "by-f")).code).toBe(128);
  await withAccess(
    { ...ACCESS.agents, "dev-f": { read: [], write: ["lab/hello"] } },
    async () => (await push("dev-f", "by-f")).code === 0,
  );
  expect(await branch("by-f")).toBeDefined();
  await withAccess(ACCESS.agents, async () => (await push("dev-f", "by-f-too")).code === 128);
  expect(await branch("by-f-too")).toBeUndefined();
});

test.each([
  ["fetch Lab/Hello", () => range.git("dev-e", "ls-remote", "https://github.com/lab/hello")],
  ["push Lab/Hello", () => push("dev-e", "main2")],
  ["read Lab/Hello", () => range.ask("dev-e", "GET api.github.com/repos/lab/hello/issues")],
  [
    "change Lab/Hello",
    () =>
      range.ask("dev-e", "POST api.github.com/repos/lab/hello/issues", { body: { title: "i" } }),
  ],
] as const)("without the rule `%s` its requests are refused", async (action, act) => {
  const passes = async () => {
    const outcome = await act();
    return "code" in outcome ? outcome.code === 0 : outcome.status < 300;
  };
  expect(await passes()).toBe(true);
  const hosts = githubHosts(ACCESS);
  await range.setHosts(
    hosts.map((host) => ({ ...host, rules: host.rules.filter((rule) => rule.action !== action) })),
  );
  await eventually(passes, (is) => !is);
  await range.setHosts(hosts);
  await eventually(passes, (is) => is);
});
