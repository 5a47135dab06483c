import { expect } from "vitest";
import { UPSTREAM_HOST } from "../../../components/gateway/api/upstream.ts";
import { gatewayHost } from "../../../components/gateway/gateway.ts";
import { contents } from "../../lab/hosts/hosts.ts";
import type { Target } from "../../lab/target.ts";

/** Runs a shell command in an agent's runner. Returns its exit code and output. */
async function inRunner(target: Target, namespace: string, command: string) {
  const stdout = await target.kubectl([
    ...["exec", `--namespace=${namespace}`, "service/runner", "--"],
    ...["sh", "-c", `(${command}) 2>&1; printf '\\nexit %s' "$?"`],
  ]);
  const lines = stdout.split("\n");
  return { exit: lines.at(-1), output: lines.slice(0, -1).join("\n").trimEnd() };
}

/** An agent's git and npm reach listed hosts, with the hosts' own certificates, and no other hosts: not even the API. */
export async function checkOtherHosts(
  target: Target,
  { agent: namespace, gateway }: { readonly agent: string; readonly gateway: string },
): Promise<void> {
  const { repository, file, text, package: name, version } = contents;
  // A newly allowed name resolves, and a Service's new port answers, shortly after the pods behind them are Ready. curl
  // reports each failed try, so its output is not compared.
  const listed = "curl -sS -o /dev/null --retry 30 --retry-connrefused --retry-delay 1";
  const open = await inRunner(target, namespace, `${listed} ${repository}`);
  expect(open.exit, open.output).toBe("exit 0");

  const cloned = await inRunner(
    target,
    namespace,
    `rm -rf /tmp/hello && git clone --quiet ${repository} /tmp/hello && cat /tmp/hello/${file}`,
  );
  expect(cloned).toEqual({ exit: "exit 0", output: text.trimEnd() });

  const installed = await inRunner(
    target,
    namespace,
    `mkdir -p /tmp/app && cd /tmp/app && npm install --registry=https://npm.pkg.github.com --silent --no-audit --no-fund ${name} && cat node_modules/${name}/package.json`,
  );
  expect(installed).toEqual({ exit: "exit 0", output: JSON.stringify({ name, version }) });

  for (const host of ["unlisted.example", UPSTREAM_HOST]) {
    const unlisted = await inRunner(target, namespace, `curl -sS -m 10 https://${host}/`);
    expect(unlisted.exit).not.toBe("exit 0");
    expect(unlisted.output).toContain("Could not resolve host");
    // With the gateway's address in place of the look-up, Envoy closes the connection.
    const named = await inRunner(
      target,
      namespace,
      `curl -sS -m 10 --connect-to ${host}:443:${gatewayHost(gateway)}:443 https://${host}/`,
    );
    expect(named.exit, named.output).toBe("exit 35");
  }
}
