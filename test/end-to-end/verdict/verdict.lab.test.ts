import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectClosed } from "../egress/command.ts";
import { importIntoLab, type Lab, openLab, runInLab } from "../../lab/cluster/index.ts";
import { buildImages, imageReference } from "../../lab/images/images.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { type Ended, run } from "../../lab/pulumi/run.ts";
import { labTarget } from "../../lab/target.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { ensureUpstream } from "../../lab/upstream.ts";
import {
  type Trial,
  trialRow,
  type TrialRange,
  trials,
} from "../../verify/conformance/all-paths.ts";
import { themeOf } from "../../verify/conformance/checks/check.ts";
import { checks } from "../../verify/conformance/checks/index.ts";
import { measure } from "../../verify/conformance/measure.ts";
import { ComparisonJson, ReportJson } from "../../verify/conformance/report/json-schema.ts";
import { renderDecisionTable } from "../../verify/conformance/report/markdown.ts";
import { countByStatus, differs, type Report } from "../../verify/conformance/report/report.ts";
import type { Row } from "../../verify/conformance/row.ts";
import { openStack } from "../../verify/conformance/subject/stack.ts";

/** A LiteLLM that wraps errors, behind the shim. */
const WRAPPING: Trial = {
  name: "verify-wrapping",
  variant: "shim",
  config: { "images.litellm": await imageReference("litellm-1.91.0") },
};

const LOCAL = { stack: "local", gateway: "claude-gateway", agent: "dev-e" } as const;

/**
 * `npm run verify`, as a process: on every path, on stack `local` with the check of `--long`, which waits while the paths are
 * measured, from outside, and on stacks that cannot be measured.
 */
let lab: Lab;
let range: TrialRange;
let upstream: AnthropicControl;
let row: Row<Trial, Stack>;
let dir: string;
let onEveryPath: Promise<Ended>;
let onLocal: Promise<Ended>;

beforeAll(async () => {
  const progress = lineProgress();
  lab = openLab();
  const target = await labTarget(lab, progress);
  upstream = await ensureUpstream(lab);
  await importIntoLab(lab, await buildImages(["litellm-1.91.0"], progress));
  const pulumi = await target.pulumi(progress);
  const { signal } = new AbortController();
  range = { target, pulumi, progress, signal };
  row = trialRow([WRAPPING], range);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-verdict-"));
  // On the path that the tests before this one left, `shim` in a whole run.
  const local = await prepareStack(pulumi, target, LOCAL.stack);
  if (Object.keys(await local.outputs()).length === 0) await local.up({ signal });
  onLocal = verify("--stack", LOCAL.stack, "--long", ...filesOf("local"));
  onEveryPath = verify("--all-paths", ...filesOf("paths"));
});

afterAll(async () => {
  await Promise.allSettled([onLocal, onEveryPath, row.end()]);
  await rm(dir, { recursive: true });
});

/** `npm run verify`. */
const COMMAND = [process.execPath, "run.mjs", "commands/verify.ts"] as const;

function verify(...args: string[]) {
  const title = `npm run verify -- ${args[0] ?? ""}`;
  return range.progress.step(title, () =>
    run({ argv: [...COMMAND, ...args], cwd: lab.cloneDir, env: process.env }),
  );
}

const file = (name: string, type: "json" | "html" | "xml") => join(dir, `${name}.${type}`);
const text = (name: string, type: "json" | "html" | "xml") => readFile(file(name, type), "utf8");

function filesOf(name: string): string[] {
  const [json, html, junit] = [file(name, "json"), file(name, "html"), file(name, "xml")];
  return ["--json", json, "--html", html, "--junit", junit];
}

/** Expects that a report has the results of the reviewed table, and that only the named checks were not run. */
function expectAsReviewed({ checks }: Report, notRun: readonly string[], said: string): void {
  expect(checks.filter(differs), said).toEqual([]);
  const skipped = checks.filter(({ status }) => status === "skipped");
  expect(skipped.map(({ id }) => id)).toEqual(notRun);
}

const QUIET = "streaming.quiet-310s";

test("--all-paths ends with 0, finds the results of the reviewed table, and removes its stacks", async () => {
  const { exitCode, stdout, stderr } = await onEveryPath;
  const report = JSON.parse(await text("paths", "json")) as { paths: Report[] };
  for (const path of report.paths) expectAsReviewed(path, [QUIET], stderr);
  expect(exitCode, stderr).toBe(0);
  expect(ComparisonJson.safeParse(report).error).toBeUndefined();
  expect(report).toMatchObject({
    verdict: "as-expected",
    recommendation: { path: "envoy-terminate" },
  });
  expect(report.paths.map(({ path, stack }) => [path, stack])).toEqual(
    trials.map(({ variant, name }) => [variant, name]),
  );
  expect(stdout).toContain(renderDecisionTable(report.paths));
  expect(await text("paths", "html")).toContain("<b>Through Envoy.</b>");
  const total = trials.length * checks.length;
  expect(await text("paths", "xml")).toContain(
    `<testsuites tests="${total}" failures="0" errors="0"`,
  );

  const names = await range.target.kubectl(["get", "namespaces", "--output=name"]);
  expect(names).not.toContain("verify-");
  expect((await range.pulumi.stacks()).filter((name) => name.startsWith("verify-"))).toEqual([]);
}, 1_200_000);

test("the README contains the measured decision table", async () => {
  const cells = (table: string) => table.replaceAll(/ *\| */g, "|").replaceAll(/-+/g, "-");
  const readme = await readFile(join(lab.cloneDir, "README.md"), "utf8");
  const { paths } = JSON.parse(await text("paths", "json")) as { paths: Report[] };
  expect(paths).toHaveLength(trials.length);
  // Each row alone, so that a failure names the row.
  for (const line of cells(renderDecisionTable(paths)).split("\n")) {
    expect(cells(readme).split("\n")).toContain(line);
  }
});

test("--stack --long ends with 0, and a stream that is silent for 310 s stays open", async () => {
  const { exitCode, stderr } = await onLocal;
  const report = JSON.parse(await text("local", "json")) as Report;
  // Only the trials have an agent whose budget may be spent.
  expectAsReviewed(report, ["cost.ceiling"], stderr);
  expect(exitCode, stderr).toBe(0);
  expect(ReportJson.safeParse(report).error).toBeUndefined();
  expect(report.checks.find(({ id }) => id === QUIET)).toMatchObject({
    ...{ status: "pass", evidence: "310 s of silence, then the rest of the stream and its end" },
  });
  expect(await text("local", "html")).toContain("The decision table");
}, 900_000);

test("--url: from outside, with an address and a token, every check that is possible passes", async () => {
  const { target } = range;
  const [gateway, agent] = [`--namespace=${LOCAL.gateway}`, `--namespace=${LOCAL.agent}`];
  const address = ["get", "service", "gateway", gateway, "--output=jsonpath={.spec.clusterIP}"];
  const printToken = ["exec", agent, "service/runner", "--", "printenv", "ANTHROPIC_AUTH_TOKEN"];
  const token = await target.kubectl(printToken);
  const url = `http://${await target.kubectl(address)}:8080/anthropic`;
  await runInLab(lab, [...COMMAND, "--url", url, "--json", file("url", "json")], {
    cwd: lab.cloneDir,
    env: { ...process.env, ANTHROPIC_AUTH_TOKEN: token.trim() },
  });
  const { path, checks } = JSON.parse(await text("url", "json")) as Report;
  expect(path).toBe("external");
  expect(checks.filter(differs)).toEqual([]);
  expect(countByStatus(checks).pass).toBeGreaterThanOrEqual(19);
}, 300_000);

/** What LiteLLM 1.91.0 drops from an upstream's error, so that no shim can restore it. */
const LOST_BEFORE_THE_SHIM: Readonly<Record<string, string>> = {
  // It rewords bodies that are not JSON, and ends a broken stream as if it were complete.
  "errors.html": "body",
  "errors.html-413": "body",
  "errors.empty-body": "body",
  "errors.cut-stream": "ends-properly",
  // Rate limits and retry-after are lost. The request id is in the body and is restored from there.
  ...Object.fromEntries(
    [
      ...[400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 504, 529].map((it) => `status-${it}`),
      ...["not-streamed", "spend-limit", "capability", "new-type", "without-type"],
    ].map((name) => [`errors.${name}`, "headers"]),
  ),
};

test("the shim restores status and body of errors that LiteLLM wraps, and no way out is open", async () => {
  const errors = checks.filter(({ id }) => themeOf(id) === "errors");
  const report = await row.use(WRAPPING, async (stack) => {
    const outputs = await stack.outputs();
    const { target } = range;
    const subject = await openStack({ target, stack: stack.name, outputs, upstream, long: false });
    const measured = await measure(subject, undefined, errors).finally(subject.close);
    // The only stack here whose API may fetch: that counts as a limit.
    await expectClosed("shim", stack.name, { cloneDir: lab.cloneDir, dir, serverFetch: true });
    return measured;
  });
  expect(report.versions.litellm).toBe("ghcr.io/berriai/litellm:v1.91.0");
  const lost = report.checks.filter(differs).map(({ id, evidence }) => {
    const [, loss = evidence] = /^\[([\w-]+)\]/.exec(evidence) ?? [];
    return [id, loss] as const;
  });
  expect(Object.fromEntries(lost)).toEqual(LOST_BEFORE_THE_SHIM);
  expect(report.checks.length - lost.length).toBeGreaterThanOrEqual(7);
  for (const { id, evidence } of report.checks) expect(evidence, id).not.toContain("request-id");
}, 900_000);

// Last, because the gateway of stack `local` starts again only afterwards.
test("a gateway that cannot be measured gives exit code 2 and one line, and no client is left running", async () => {
  const { target } = range;
  const refusal = async (name: string) => {
    const { exitCode, stderr } = await verify("--stack", name);
    expect(exitCode).toBe(2);
    return stderr.trim().split("\n").at(-1);
  };
  expect(await refusal("nobody")).toMatch(
    /^no stack nobody \(known stacks: .*\)\. npm run local deploys the stack "local"$/,
  );

  const tried = await run({
    argv: [process.execPath, "run.mjs", "commands/verify-egress.ts", "--stack", "nobody"],
    cwd: lab.cloneDir,
    env: process.env,
  });
  expect({ exitCode: tried.exitCode, stdout: tried.stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(tried.stderr).toContain("no stack nobody (known stacks: ");

  await upstream.push({ match: {}, times: null, action: { kind: "reset", after: "request" } });
  expect(await refusal(LOCAL.stack)).toMatch(
    /^the gateway at \S+ does not reach its upstream: 50\d /,
  );
  await upstream.reset();

  // Envoy, LiteLLM or both.
  const pods = ["--selector=claude-gateway/path", `--namespace=${LOCAL.gateway}`];
  await target.kubectl(["scale", "deployments", ...pods, "--replicas=0"]);
  await target.kubectl(["wait", "--for=delete", "pods", ...pods, "--timeout=120s"]);
  expect(await refusal(LOCAL.stack)).toBe(
    `the gateway of stack ${LOCAL.stack} is not ready (there is no pod). See: kubectl get pods -n ${LOCAL.gateway}`,
  );

  const clients = await target.kubectl([
    ...["exec", `--namespace=${LOCAL.agent}`, "service/runner", "--", "sh", "-c"],
    "grep -l -e --input-typ[e]=module /proc/[0-9]*/cmdline || true",
  ]);
  expect(clients).toBe("");

  await target.kubectl(["scale", "deployments", ...pods, "--replicas=1"]);
}, 600_000);
