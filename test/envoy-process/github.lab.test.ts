import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
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

test("x", async () => {
  console.log(await range.git("dev-e", "clone", "git@github.com:lab/hello.git", "one"));
  await writeFile(join(range.dir, "one/a.txt"), "a\n");
  await range.git("dev-e", "-C", "one", "add", ".");
  await range.git("dev-e", "-C", "one", "commit", "--message=a");
  console.log(await range.git("dev-e", "-C", "one", "push", "origin", "HEAD:refs/heads/fix"));
  console.log(await range.git("dev-f", "-C", "one", "push", "origin", "HEAD:refs/heads/fix2"));
  console.log(await range.git("dev-f", "clone", "https://github.com/lab/secret", "two"));
  console.log(await range.git("dev-f", "clone", "https://github.com/lab/old", "two"));
  console.log(await range.git("nobody", "clone", "https://github.com/lab/hello", "two"));
  console.log(await range.ask("dev-e", "GET api.github.com/repos/LAB/hello"));
  console.log(await range.ask("dev-e", "POST api.github.com/graphql", { body: {} }));
  console.log(await range.ask("dev-e", "GET api.github.com/repos/LAB/secret"));
  console.log(range.github.received, range.envoy.accessLog, TOKEN_A, TOKEN_B, readFile);
});
