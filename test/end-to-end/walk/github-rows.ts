import { expect } from "vitest";
import type { GithubControl } from "../../lab/hosts/github/control.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import { measureAttempts } from "../../verify/egress/measure.ts";
import type { AttemptResult } from "../../verify/egress/report.ts";
import { github as rows } from "../../verify/egress/rows/github.ts";
import { enter } from "../../verify/egress/surroundings.ts";

const HOSTS = ["github.com", "api.github.com", "uploads.github.com"];

/** What the rows send, as GitHub's hosts see it if it arrives. */
const ASKED = [
  "github.com GET /octocat/Hello-World.git/info/refs?service=git-upload-pack",
  "github.com GET /octocat/Hello-World.git/info/refs?service=git-receive-pack",
  "api.github.com GET /repos/octocat/Hello-World",
  "api.github.com GET /repositories/1296269",
  "api.github.com GET /user",
  "api.github.com POST /graphql",
  "uploads.github.com GET /repos/octocat/Hello-World/releases/1/assets",
];

/** GitHub's hosts with a rule that allows everything instead of `egress.github`, as inspected hosts from `first` on. */
export async function allowAllOfGithub(stack: Stack, first: number): Promise<void> {
  for (const [index, host] of HOSTS.entries()) {
    const key = `egress.inspect[${first + index}]`;
    await stack.configure({
      [`${key}.host`]: host,
      [`${key}.methods[0]`]: "GET",
      [`${key}.methods[1]`]: "POST",
    });
  }
}

/** With {@link allowAllOfGithub}, `npm run verify:egress` finds each of its rows about GitHub open: it arrived there. */
export async function checkRowsOpen(
  target: Target,
  stack: Stack,
  github: GithubControl,
): Promise<void> {
  const { checks, arrived } = await measure(target, stack, github);
  expect(checks).toEqual(rows.map(({ id }) => ({ id, status: "fail" })));
  expect(arrived.sort()).toEqual([...ASKED].sort());
}

/** With `egress.github`, it finds each of them closed, and nothing of them arrived there. */
export async function checkRowsClosed(
  target: Target,
  stack: Stack,
  github: GithubControl,
): Promise<void> {
  const { checks, arrived } = await measure(target, stack, github);
  expect(checks).toEqual(rows.map(({ id }) => ({ id, status: "pass" })));
  expect(arrived).toEqual([]);
}

async function measure(
  target: Target,
  stack: Stack,
  github: GithubControl,
): Promise<{
  readonly checks: readonly Pick<AttemptResult, "id" | "status">[];
  readonly arrived: string[];
}> {
  const outputs = await stack.outputs();
  const { around, leave } = await enter({ target, stack: stack.name, outputs });
  try {
    await github.forget();
    const means = { target, upstream: undefined, witness: undefined };
    const results = await measureAttempts(rows, around, means);
    const arrived = (await github.received())
      .map(({ host, method, path }) => `${host} ${method} ${path}`)
      // The helper renews the App's token at any time.
      .filter((line) => !line.includes("/app/installations/"));
    return { checks: results.map(({ id, status }) => ({ id, status })), arrived };
  } finally {
    await leave();
  }
}
