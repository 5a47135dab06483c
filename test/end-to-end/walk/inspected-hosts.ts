import { expect } from "vitest";
import { contents, packagesToken } from "../../lab/hosts/hosts.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import { measureCredentials } from "../../verify/egress/credentials.ts";
import { measurePolicies } from "../../verify/egress/in-force.ts";
import { measureAttempts } from "../../verify/egress/measure.ts";
import { inspected } from "../../verify/egress/rows/inspected.ts";
import { stackSecrets } from "../../verify/secrets/agent-keys.ts";
import { enter } from "../../verify/egress/surroundings.ts";
import { inRunner } from "./other-hosts.ts";

const HOST = "npm.pkg.github.com";

/** What {@link checkInspectedHosts} needs in the stack's configuration. */
export async function configureInspectedHosts(stack: Stack): Promise<void> {
  await stack.configure({
    "egress.inspect[0].host": HOST,
    "egress.inspect[0].paths[0]": "/@lab/*",
    "egress.inspect[0].paths[1]": "/@lab%2fhello",
    "egress.inspect[0].paths[2]": "/not-there/*",
  });
  await stack.setConfig("egress.inspect[0].credential.value", packagesToken, { secret: true });
}

/**
 * An agent's own programs reach what an inspected host's rule allows, trust the gateway's certificate, and get through with
 * their gateway token, which the gateway swaps for one that they do not have. Everything else is refused with a message.
 */
export async function checkInspectedHosts(
  target: Target,
  { agent, gateway }: { readonly agent: string; readonly gateway: string },
): Promise<void> {
  const { privatePackage: name, version } = contents;
  const run = (command: string) => inRunner(target, agent, command);
  const token = '"authorization: Bearer $ANTHROPIC_AUTH_TOKEN"';
  const curl = `curl -sS --retry 30 --retry-connrefused --retry-delay 1`;

  // A scoped name, which npm writes with %2f, from a registry that wants its own token.
  const npmrc = `//${HOST}/:_authToken=\\\${ANTHROPIC_AUTH_TOKEN}`;
  const npm = `--registry=https://${HOST} --userconfig=/tmp/inspect/.npmrc --no-audit --no-fund`;
  const installed = await run(
    `rm -rf /tmp/inspect && mkdir -p /tmp/inspect && cd /tmp/inspect && echo "${npmrc}" > .npmrc && ` +
      `${curl} -o /dev/null -H ${token} https://${HOST}/@lab%2fhello && ` +
      `npm install ${npm} --silent ${name} && cat node_modules/${name}/package.json`,
  );
  expect(installed).toEqual({ exit: "exit 0", output: JSON.stringify({ name, version }) });

  const refused = `gateway: agents may send GET, HEAD to ${HOST}, on /@lab/*, /@lab%2fhello, /not-there/*`;
  const published = await run(
    `cd /tmp/inspect && echo '{"name":"${name}","version":"2.0.0"}' > package.json && npm publish ${npm}`,
  );
  expect(published.exit).not.toBe("exit 0");
  expect(published.output).toContain(`${refused}: PUT /@lab%2fhello is not allowed`);

  // Each program with a list of authorities of its own.
  const url = `https://${HOST}/hello-lab`;
  const answers = await run(
    [
      `${curl} -H ${token} ${url}`,
      `node -e 'fetch("${url}", { headers: { authorization: "Bearer " + process.env.ANTHROPIC_AUTH_TOKEN } }).then((r) => r.text()).then(console.log)'`,
      `python3 -c 'import os, urllib.request as u, urllib.error as e
try: u.urlopen(u.Request("${url}", headers={"Authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"]}))
except e.HTTPError as error: print(error.read().decode())'`,
      `GIT_TERMINAL_PROMPT=0 git -c http.extraHeader=${token} ls-remote https://${HOST}/x`,
    ].join("; echo; "),
  );
  expect(answers.output.split(refused).length - 1, answers.output).toBe(4 + 3);
  const anonymous = await run(`curl -sS -w '%{http_code}' https://${HOST}/@lab%2fhello`);
  expect(anonymous.output).toMatch(/missing or unknown agent token.*401$/s);
  const elsewhere = await run(`curl -sS -w '%{http_code}' -H "Host: github.com" https://${HOST}/`);
  expect(elsewhere.output).toMatch(/another host than the server name.*421$/s);

  const log = () =>
    target.kubectl([
      ...["logs", `--namespace=${gateway}`, "--selector=claude-gateway/role=gateway"],
      ...["--container=envoy", "--tail=-1"],
    ]);
  // Envoy writes a line after a second at the latest, and the node's log of it can be later still.
  await expect
    .poll(async () => inspectLines(await log()), { timeout: 15_000, interval: 500 })
    .toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ agent, host: HOST, path: "/@lab%2fhello", method: "PUT" },
          ...{ status: 403, refused: "rule", upstream: null },
        }),
        expect.objectContaining({
          ...{ agent, host: HOST, action: "/@lab%2fhello", status: 200 },
          ...{ refused: null, upstream: HOST },
        }),
      ]),
    );
  expect(await log()).not.toContain(packagesToken);
}

/** The lines about inspected hosts in Envoy's log. */
function inspectLines(log: string): Record<string, unknown>[] {
  return log
    .split("\n")
    .filter((line) => line.includes('"listener":"inspect"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/**
 * What `npm run verify:egress` says about inspected hosts, and its search for secrets: the authority's key and the host's
 * credential are nowhere in an agent's pod. In the state they are encrypted.
 */
export async function checkInspectionSecrets(target: Target, stack: Stack): Promise<void> {
  const { around, leave } = await enter({
    ...{ target, stack: stack.name },
    outputs: await stack.outputs(),
  });
  try {
    const rows = [
      ...(await measureAttempts(inspected, around, {
        target,
        upstream: undefined,
        witness: undefined,
      })),
      ...(await measureCredentials(stack.name, around, { target, upstream: undefined })),
      ...(await measurePolicies(stack.name, around, target)),
    ];
    const ids = rows.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(inspected.map(({ id }) => id)));
    expect(ids).toEqual(expect.arrayContaining(["credentials.environment", "credentials.files"]));
    expect(rows.filter(({ status }) => status !== "pass")).toEqual([]);
    const { others } = await stackSecrets(target, stack.name, around);
    const names = Object.keys(others).join(" ");
    expect(names).toMatch(/authority\.key/);
    expect(Object.values(others)).toContain(packagesToken);
  } finally {
    await leave();
  }
  const state = await stack.export();
  expect(state).toContain("tls:index/privateKey:PrivateKey");
  expect(state).not.toContain("PRIVATE KEY");
  expect(state).not.toContain(packagesToken);
}
