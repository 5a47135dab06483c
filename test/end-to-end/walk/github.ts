import { expect } from "vitest";
import { runTurn } from "../../lab/claude.ts";
import type { GithubControl } from "../../lab/hosts/github/control.ts";
import { LAB_APP } from "../../lab/hosts/github/lab-world.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import { inRunner } from "./other-hosts.ts";

/** What {@link checkGithub} needs in the stack's configuration. */
export async function configureGithub(
  stack: Stack,
  github: GithubControl,
  agent: string,
): Promise<void> {
  await stack.configure({
    "egress.github.credential.kind": "app",
    "egress.github.credential.appId": LAB_APP.appId,
    "egress.github.credential.installationId": LAB_APP.installationId,
    [`egress.github.agents.${agent}.write[0]`]: "Lab/work",
    [`egress.github.agents.${agent}.read[0]`]: "lab/docs",
  });
  await stack.setConfig("egress.github.credential.privateKey", await github.appKey(), {
    secret: true,
  });
}

/** Clones, changes, pushes a branch, and opens a pull request with the REST API. */
const WORK = [
  "rm -rf /tmp/clone",
  "git clone --quiet git@github.com:lab/work.git /tmp/clone",
  "cd /tmp/clone",
  "echo fixed >> README.md",
  "git -c user.name=agent -c user.email=agent@example.invalid commit --quiet -am fix",
  "git push --quiet origin HEAD:refs/heads/fix",
  `curl -sS --fail-with-body -H "authorization: Bearer $GH_TOKEN" https://api.github.com/repos/lab/work/pulls -d '{"title":"A fix","head":"fix","base":"main"}'`,
].join(" && ");

const REFUSED: readonly (readonly [command: string, says: string])[] = [
  [
    "cd /tmp/clone && git push https://github.com/lab/docs HEAD:refs/heads/evil",
    "remote: gateway: only Git and Git LFS of the repositories that egress.github lists for the agent, and pushes only to those with write: GET /lab/docs/info/refs?service=git-receive-pack is not allowed",
  ],
  [
    "git clone https://github.com/lab/secret /tmp/secret",
    "GET /lab/secret/info/refs?service=git-upload-pack is not allowed",
  ],
  [
    `curl -sS -X DELETE -H "authorization: Bearer $GH_TOKEN" https://api.github.com/repos/lab/work`,
    "DELETE /repos/lab/work is not allowed",
  ],
  [
    `curl -sS -H "authorization: Bearer $GH_TOKEN" https://api.github.com/graphql -d '{}'`,
    "not GraphQL (gh pr create and others): use gh api repos/OWNER/NAME/pulls: POST /graphql is not allowed",
  ],
];

/** The real Claude Code opens a pull request. What is not listed is refused with a message, and one line of the log names the agent. */
export async function checkGithub(
  target: Target,
  github: GithubControl,
  { agent, gateway }: { readonly agent: string; readonly gateway: string },
): Promise<void> {
  // The gateway's pod is new, so its DNS name answers shortly after it is Ready.
  const reached = await inRunner(
    target,
    agent,
    "curl -sS -o /dev/null --retry 30 --retry-connrefused --retry-delay 1 https://api.github.com/",
  );
  expect(reached.exit, reached.output).toBe("exit 0");
  await github.forget();

  const turn = await runTurn(target, {
    namespace: agent,
    prompt: `run: ${WORK}`,
    args: ["--allowedTools", "Bash"],
  });
  expect(turn.is_error, turn.result).toBe(false);
  const { branches = {}, pulls } = (await github.repositories())["lab/work"] ?? {};
  expect(pulls, turn.result).toMatchObject([{ title: "A fix", head: "fix", state: "open" }]);
  expect(Object.keys(branches)).toEqual(["fix", "main"]);

  for (const [command, says] of REFUSED) {
    const { exit, output } = await inRunner(target, agent, command);
    if (command.includes("git ")) expect(exit, output).toBe("exit 128");
    expect(output).toContain(says);
  }

  const received = await github.received();
  const credentials = received
    .filter(({ host, path }) => host !== "api.github.com" || path.startsWith("/repos/"))
    .map(({ headers }) => String(headers.authorization));
  expect(credentials.length).toBeGreaterThan(0);
  for (const credential of credentials) expect(credential).toMatch(/^(Basic|Bearer) \S+$/);
  const { output: token } = await inRunner(target, agent, "echo $GH_TOKEN");
  const text = credentials.map((each) => Buffer.from(each.slice(6), "base64").toString()).join();
  expect(`${credentials.join()} ${text}`).not.toContain(token);
  expect(received.filter(({ path }) => /secret|evil|graphql|DELETE/.test(path))).toEqual([]);

  await checkLog(target, { agent, gateway });
  await checkAbsent(target, agent, credentials);
}

async function checkLog(
  target: Target,
  { agent, gateway }: { readonly agent: string; readonly gateway: string },
): Promise<void> {
  const notFetched = async () =>
    (await actionsIn(target, gateway, agent)).filter((line) => line !== "fetch Lab/work");
  // Envoy writes its log once a second.
  await expect
    .poll(notFetched, { timeout: 20_000, interval: 500 })
    .toEqual([
      "push Lab/work",
      "push Lab/work",
      "change Lab/work",
      "rule: GET /lab/docs/info/refs",
      "rule: GET /lab/secret/info/refs",
      "rule: DELETE /repos/lab/work",
      "rule: POST /graphql",
    ]);
}

/** What the log says of an agent at GitHub: the action, or why it was refused, with the request. */
async function actionsIn(target: Target, gateway: string, agent: string): Promise<string[]> {
  const log = await target.kubectl([
    ...["logs", `--namespace=${gateway}`, "--selector=claude-gateway/role=gateway"],
    ...["--container=envoy", "--tail=-1"],
  ]);
  return log
    .split("\n")
    .filter((line) => line.includes('"listener":"inspect"'))
    .map((line) => JSON.parse(line) as Record<string, string | null>)
    .filter((line) => line.agent === agent && /github/.test(String(line.host)))
    .map(({ action, refused, method, path }) =>
      action === null ? `${String(refused)}: ${String(method)} ${String(path)}` : String(action),
    );
}

/** No credential of GitHub's is in an agent's variables, files or Git settings. */
async function checkAbsent(
  target: Target,
  agent: string,
  credentials: readonly string[],
): Promise<void> {
  const { output } = await inRunner(
    target,
    agent,
    "env; git config --list; cat /tmp/clone/.git/config; grep -rhE 'ghs_|PRIVATE KEY' /tmp /etc/egress-trust $HOME 2>/dev/null",
  );
  expect(output).toContain("credential.https://github.com.helper");
  expect(output).not.toMatch(/ghs_|PRIVATE KEY/);
  for (const credential of credentials) expect(output).not.toContain(credential.slice(7));
}
