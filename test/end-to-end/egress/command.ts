import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { type VariantName, variantNamed } from "../../../components/gateway/paths/index.ts";
import type { Variant } from "../../../components/gateway/paths/variant.ts";
import { run } from "../../lab/pulumi/run.ts";
import type { EgressReport, Status } from "../../verify/egress/report.ts";

const SERVER_FETCH = ["web-fetch", "web-search", "mcp-servers", "url-source"].map(
  (field) => `limit.server-fetch.${field}`,
);
const PODS = ["limit.no-policies", "limit.ping-pods"];

/** All limits that a path has, with or without an OTLP receiver and what the API may fetch. */
function limits(
  { litellm, holder }: Variant,
  { otlp, serverFetch }: { readonly otlp: boolean; readonly serverFetch: boolean },
): readonly string[] {
  return [
    ...(serverFetch ? SERVER_FETCH : []),
    ...(otlp ? ["limit.telemetry"] : []),
    ...(litellm === "called-by-agents" ? ["limit.litellm-any-host"] : []),
    ...(holder === "agent" ? ["limit.foreign-key", "limit.host-inside-tls"] : []),
    ...PODS,
  ];
}

/**
 * Runs `npm run verify:egress` on a stack in the lab. Expects that nothing gets out, and that every limit is a known one.
 * Returns the report.
 */
export async function expectClosed(
  variant: VariantName,
  stack: string,
  args: {
    readonly cloneDir: string;
    readonly dir: string;
    /** Whether the stack has `telemetry.otlp`. Default false. */
    readonly otlp?: boolean;
    /** Whether the stack lets the API fetch. Default false. */
    readonly serverFetch?: boolean;
  },
): Promise<EgressReport> {
  const json = join(args.dir, `${stack}.egress.json`);
  const command = [process.execPath, "run.mjs", "commands/verify-egress.ts"] as const;
  const { exitCode, stdout, stderr } = await run({
    argv: [...command, "--stack", stack, "--json", json],
    cwd: args.cloneDir,
    env: process.env,
  });
  const written = await readFile(json, "utf8").catch((cause: unknown) => {
    throw new Error(`the command wrote no report:\n${stdout}${stderr}`, { cause });
  });
  const report = JSON.parse(written) as EgressReport;
  const of = (wanted: Status) => report.checks.filter(({ status }) => status === wanted);
  // First, because the message of a failed test is cut, and this one must name what is open.
  expect(of("fail")).toEqual([]);
  expect(stdout + stderr).toContain(
    "The outside counted the packets that arrived.\nVerdict: closed.\n",
  );
  expect(exitCode).toBe(0);
  expect(report).toMatchObject({ stack, path: variant, view: "both-sides", verdict: "closed" });
  expect(Object.keys(report.versions)).toEqual(
    expect.arrayContaining(["claude-code", "coredns", "kubernetes"]),
  );
  const ids = (wanted: Status) => of(wanted).map(({ id }) => id);
  expect(ids("skipped")).toEqual([]);
  expect(ids("known-loss")).toEqual(
    limits(variantNamed(variant), {
      otlp: args.otlp === true,
      serverFetch: args.serverFetch === true,
    }),
  );
  expect(ids("pass").length).toBeGreaterThan(60);
  return report;
}
