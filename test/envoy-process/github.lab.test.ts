import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { commitOf } from "../lab/hosts/github/content.ts";
import { TOKEN_A, TOKEN_B } from "./gateways.ts";
import { GithubRange } from "./github-range.ts";

let range: GithubRange;

beforeAll(async () => {
  range = await GithubRange.open();
});

afterAll(async () => {
  await range.close();
});

beforeEach(() => {
  range.forget();
});

const repository = (name: string) => {
  const found = range.github.world.named(name)?.repository;
  if (found === undefined) throw new Error(`the stand-in has no ${name}`);
  return found;
};

/** Lines of the log about an agent, as `agent: action` or `agent: why refused`. */
function actions(): string[] {
  return range.envoy.accessLog
    .filter(({ listener, agent }) => listener === "inspect" && typeof agent === "string")
    .map(({ agent, action, refused }) => `${String(agent)}: ${String(action ?? refused)}`);
}

/** What arrived, as `METHOD host path`, and the credentials that came with it. */
function arrived(): { requests: string[]; credentials: string[] } {
  const { received } = range.github;
  return {
    requests: received.map(({ method, host, path }) => `${method} ${host}${path}`),
    credentials: [...new Set(received.map(({ headers }) => String(headers.authorization)))],
  };
}

/** The App's tokens, as Git and as the API's clients send them. */
function ofApp(form: "Basic" | "Bearer"): string[] {
  return [...range.app.made.keys()].map((token) =>
    form === "Bearer"
      ? `Bearer ${token}`
      : `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`,
  );
}

async function cloned(folder: string, url = "https://github.com/lab/hello"): Promise<void> {
  const clone = await range.git("dev-e", "clone", "--quiet", url, folder);
  expect(clone).toEqual({ code: 0, stdout: "", stderr: "" });
}

async function commit(folder: string, file: string, content: string | Buffer): Promise<void> {
  await writeFile(join(range.dir, folder, file), content);
  await range.git("dev-e", "-C", folder, "add", ".");
  await range.git("dev-e", "-C", folder, "commit", "--quiet", `--message=${file}`);
}

test("the token is for the listed repositories alone, and for what the rules allow", () => {
  const made = [...range.app.made.values()];
  expect(made).toHaveLength(2);
  for (const { repositories, permissions } of made) {
    expect(repositories).toEqual(["docs", "Hello", "old"]);
    expect(permissions).toEqual({
      contents: "write",
      issues: "write",
      pull_requests: "write",
      actions: "read",
      checks: "read",
      metadata: "read",
      statuses: "read",
    });
  }
});

test("an agent clones, pushes and opens a pull request with its own token, and GitHub gets the App's", async () => {
  await cloned("work");
  await commit("work", "a.txt", "a\n");
  const push = await range.git("dev-e", "-C", "work", "push", "origin", "HEAD:refs/heads/fix");
  expect(push).toMatchObject({ code: 0, stdout: "" });
  const head = await range.git("dev-e", "-C", "work", "rev-parse", "HEAD");
  expect(await commitOf(repository("lab/hello"), "refs/heads/fix")).toBe(head.stdout.trim());
  expect(arrived().credentials).toSatisfy((sent: string[]) =>
    sent.every((credential) => ofApp("Basic").includes(credential)),
  );
  expect(arrived().requests).toEqual([
    "GET github.com/lab/hello/info/refs?service=git-upload-pack",
    "POST github.com/lab/hello/git-upload-pack",
    "POST github.com/lab/hello/git-upload-pack",
    "GET github.com/lab/hello/info/refs?service=git-receive-pack",
    "POST github.com/lab/hello/git-receive-pack",
  ]);
  await range.envoy.logged(({ path }) => path === "/lab/hello/git-receive-pack");
  expect(actions()).toEqual([
    "dev-e: fetch Lab/Hello",
    "dev-e: fetch Lab/Hello",
    "dev-e: fetch Lab/Hello",
    "dev-e: push Lab/Hello",
    "dev-e: push Lab/Hello",
  ]);

  range.forget();
  const pull = await range.ask("dev-e", "POST api.github.com/repos/lab/hello/pulls", {
    body: { title: "A fix", head: "fix", base: "main" },
  });
  expect(pull.status).toBe(201);
  expect(repository("lab/hello").pulls).toMatchObject([{ title: "A fix", head: "fix" }]);
  expect(ofApp("Bearer")).toEqual(expect.arrayContaining(arrived().credentials));
  await range.envoy.logged(({ host }) => host === "api.github.com");
  expect(actions()).toEqual(["dev-e: change Lab/Hello"]);
});

test("Git's address for SSH is turned into HTTPS, and a name has no case", async () => {
  await cloned("upper", "git@github.com:LAB/Hello.git");
  await commit("upper", "b.txt", "b\n");
  const push = await range.git("dev-e", "-C", "upper", "push", "origin", "HEAD:refs/heads/upper");
  expect(push.code).toBe(0);
  expect(arrived().requests).toContain("POST github.com/LAB/Hello.git/git-receive-pack");
  const read = await range.ask("dev-f", "GET api.github.com/repos/LAB/HELLO/git/ref/heads/upper");
  expect(read.status).toBe(200);
});

test("a push of several megabytes arrives, in chunks and compressed", async () => {
  await cloned("large");
  await commit("large", "large.bin", randomBytes(3e6));
  const push = await range.git("dev-e", "-C", "large", "push", "origin", "HEAD:refs/heads/large");
  expect(push.code, push.stderr).toBe(0);
  expect(await commitOf(repository("lab/hello"), "refs/heads/large")).toBeDefined();
});

test("agents that may only read fetch too, each what is listed for it", async () => {
  const clone = await range.git("dev-f", "clone", "--quiet", "https://github.com/lab/hello", "f");
  expect(clone.code).toBe(0);
  expect((await range.ask("dev-f", "GET api.github.com/repos/lab/hello/issues")).status).toBe(200);
  expect((await range.ask("dev-f", "GET api.github.com/repos/lab/docs")).status).toBe(403);
  expect((await range.ask("dev-e", "GET api.github.com/repos/lab/docs")).status).toBe(200);
});

test("an agent changes files, branches, issues and pull requests by the API", async () => {
  const at = "api.github.com/repos/lab/hello";
  const file = await range.ask("dev-e", `PUT ${at}/contents/c%20d.txt`, {
    body: { message: "c", content: Buffer.from("c\n").toString("base64") },
  });
  expect(file.status).toBe(201);
  const { commit } = JSON.parse(file.body) as { commit: { sha: string } };
  const ref = { ref: "refs/heads/by-api", sha: commit.sha };
  expect((await range.ask("dev-e", `POST ${at}/git/refs`, { body: ref })).status).toBe(201);
  const pull = await range.ask("dev-e", `POST ${at}/pulls`, {
    body: { title: "By the API", head: "by-api", base: "main" },
  });
  const { number } = JSON.parse(pull.body) as { number: number };
  const say = { body: { body: "a comment" } };
  expect((await range.ask("dev-e", `POST ${at}/issues/${number}/comments`, say)).status).toBe(201);
  expect((await range.ask("dev-e", `PUT ${at}/pulls/${number}/merge`)).status).toBe(200);
  expect((await range.ask("dev-e", `DELETE ${at}/git/refs/heads/by-api`)).status).toBe(204);
  const issue = { body: { title: "An issue" } };
  expect((await range.ask("dev-e", `POST ${at}/issues`, issue)).status).toBe(201);
});

test("a release's file is uploaded and downloaded, and the storage gets no credential", async () => {
  const at = "api.github.com/repos/lab/hello/releases";
  const release = await range.ask("dev-e", `POST ${at}`, { body: { tag_name: "v1" } });
  const { id, upload_url: url } = JSON.parse(release.body) as { id: number; upload_url: string };
  expect(url).toBe(`https://uploads.github.com/repos/lab/hello/releases/${id}/assets{?name,label}`);
  const upload = await range.ask(
    "dev-e",
    `POST uploads.github.com/repos/lab/hello/releases/${id}/assets?name=a.txt`,
    { more: ["--data-binary", "an asset", "--header", "content-type: text/plain"] },
  );
  expect(upload.status).toBe(201);
  const asset = (JSON.parse(upload.body) as { id: number }).id;
  range.forget();
  const download = await range.ask("dev-f", `GET ${at}/assets/${asset}`, {
    more: ["--location", "--header", "accept: application/octet-stream"],
  });
  expect(download).toEqual({ status: 200, body: "an asset" });
  expect(range.github.received.at(-1)).toMatchObject({
    host: "release-assets.githubusercontent.com",
    status: 200,
  });
  expect(range.github.received.at(-1)?.headers).not.toHaveProperty("authorization");
  await range.envoy.logged(({ action }) => action === "download a release file");
});

test("an archive is downloaded where GitHub redirects to", async () => {
  const archive = await range.ask(
    "dev-e",
    "GET api.github.com/repos/lab/docs/tarball/refs/heads/main",
    { more: ["--location"] },
  );
  expect(archive).toEqual({ status: 200, body: "README.md" });
  expect(range.github.received.at(-1)?.headers).not.toHaveProperty("authorization");
});

test("an object of Git LFS is uploaded, checked and downloaded", async () => {
  const content = "a large file";
  const oid = createHash("sha256").update(content).digest("hex");
  const batch = async (operation: string) => {
    const answer = await range.ask(
      "dev-e",
      "POST github.com/lab/hello.git/info/lfs/objects/batch",
      { body: { operation, transfers: ["basic"], objects: [{ oid, size: content.length }] } },
    );
    expect(answer.status).toBe(200);
    return (JSON.parse(answer.body) as { objects: { actions: Actions }[] }).objects[0]?.actions;
  };
  const up = await batch("upload");
  const put = ["--data-binary", content];
  expect((await follow("PUT", up?.upload, put)).status).toBe(200);
  expect((await follow("POST", up?.verify, ["--data", "{}"])).status).toBe(200);
  const down = await batch("download");
  expect(await follow("GET", down?.download)).toEqual({ status: 200, body: content });
});

interface Action {
  readonly href: string;
  readonly header?: Readonly<Record<string, string>>;
}
type Actions = Readonly<Record<"upload" | "verify" | "download", Action | undefined>>;

/** Does what an answer of Git LFS says, as its client does: with the headers of the answer, and no other credential. */
function follow(method: string, action: Action | undefined, more: readonly string[] = []) {
  const { href = "", header = {} } = action ?? {};
  return range.ask("nobody", `${method} ${href.replace("https://", "")}`, {
    more: [
      ...more,
      ...Object.entries(header).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
    ],
  });
}

test("no token of an agent gets to GitHub, and none of GitHub's to an agent", async () => {
  await cloned("last");
  const { stdout: env } = await range.run("dev-e", "env", []);
  const { stdout: files } = await range.git("dev-e", "-C", "last", "config", "--list");
  for (const token of range.app.made.keys()) expect(env + files).not.toContain(token);
  const sent = JSON.stringify(range.github.received);
  for (const token of [TOKEN_A, TOKEN_B]) {
    expect(sent).not.toContain(token);
    expect(sent).not.toContain(Buffer.from(`x-access-token:${token}`).toString("base64"));
    expect(files).not.toContain(token);
  }
});
