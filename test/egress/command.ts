import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { GatewayVariant } from "../../components/gateway/variant.ts";
import { run } from "../lab/pulumi/run.ts";
import type { EgressReport } from "./report.ts";

const SERVER_FETCH = ["web-fetch", "web-search", "mcp-servers", "url-source"].map(
  (field) => `limit.server-fetch.${field}`,
);
const PODS = ["limit.no-policies", "limit.ping-pods"];
const LIMITS = [...SERVER_FETCH, ...PODS];

/** The limits that each path has, and no other. */
const limits: Readonly<Record<GatewayVariant, readonly string[]>> = {
  litellm: [...SERVER_FETCH, "limit.litellm-any-host", ...PODS],
  shim: LIMITS,
  "envoy-terminate": LIMITS,
  "envoy-sni": [...SERVER_FETCH, "limit.foreign-key", "limit.host-inside-tls", ...PODS],
  hybrid: LIMITS,
};

/** Runs `npm run verify:egress` on a stack of the lab's: nothing gets out, and nothing is a limit that is not known. */
export async function expectClosed(
  variant: GatewayVariant,
  stack: string,
  args: { readonly cloneDir: string; readonly dir: string },
): Promise<void> {
  const json = join(args.dir, `${stack}.egress.json`);
  const command = [process.execPath, "test/run.mjs", "test/egress/main.ts"] as const;
  const { exitCode, stdout, stderr } = await run({
    argv: [...command, "--stack", stack, "--json", json],
    cwd: args.cloneDir,
    env: process.env,
  });
  expect(stdout + stderr).toContain("The far side counted what arrived.\nVerdict: closed.\n");
  expect(exitCode).toBe(0);
  const report = JSON.parse(await readFile(json, "utf8")) as EgressReport;
  expect(report).toMatchObject({ stack, path: variant, view: "both-sides", verdict: "closed" });
  expect(Object.keys(report.versions)).toEqual(
    expect.arrayContaining(["claude-code", "coredns", "kubernetes"]),
  );
  const ids = (...statuses: string[]) =>
    report.checks.filter(({ status }) => statuses.includes(status)).map(({ id }) => id);
  expect(ids("fail", "skipped")).toEqual([]);
  expect(ids("known-loss")).toEqual(limits[variant]);
  expect(ids("pass").length).toBeGreaterThan(60);
}
