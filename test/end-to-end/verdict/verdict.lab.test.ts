import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { VariantName } from "../../../components/gateway/paths/index.ts";
import { expectClosed } from "../egress/command.ts";
import { importIntoLab, type Lab, openLab, runInLab } from "../../lab/cluster/index.ts";
import { buildImages, imageReference } from "../../lab/images/images.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { run } from "../../lab/pulumi/run.ts";
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

/** Each path in its own trial, measured by the command and compared with the reviewed table. */
let lab: Lab;
let range: TrialRange;
let upstream: AnthropicControl;
let row: Row<Trial, Stack>;
let dir: string;
const reports: Report[] = [];

beforeAll(async () => {
  const progress = lineProgress();
  lab = openLab();
  const target = await labTarget(lab, progress);
  upstream = await ensureUpstream(lab);
  await importIntoLab(lab, await buildImages(["litellm-1.91.0"], progress));
  const pulumi = await target.pulumi(progress);
  const { signal } = new AbortController();
  range = { target, pulumi, progress, signal };
  row = trialRow([...trials, WRAPPING], range);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-verdict-"));
});

afterAll(async () => {
  await row.end();
  await rm(dir, { recursive: true });
});

/** `npm run verify`. */
const COMMAND = [process.execPath, "run.mjs", "commands/verify.ts"] as const;

function verify(...args: string[]) {
  return run({ argv: [...COMMAND, ...args], cwd: lab.cloneDir, env: process.env });
}

/** The command's JSON report. Also checks that the HTML page was written. */
async function reportOf(stack: string): Promise<Report> {
  const [json, html] = [join(dir, `${stack}.json`), join(dir, `${stack}.html`)];
  const title = `npm run verify -- --stack ${stack}`;
  const { exitCode, stderr } = await range.progress.step(title, () =>
    verify("--stack", stack, "--json", json, "--html", html),
  );
  const report = JSON.parse(await readFile(json, "utf8")) as Report;
  expect(report.checks.filter(differs), stderr).toEqual([]);
  expect(exitCode).toBe(0);
  expect(await readFile(html, "utf8")).toContain("The decision table");
  return report;
}

/** From outside, with only an address and a token, every check that is possible on this path must pass. */
async function keepsAllThatIsSeenFromOutside(stack: string): Promise<void> {
  const { target } = range;
  const [gateway, agent] = [`--namespace=${stack}-gateway`, `--namespace=${stack}-agent`];
  const address = ["get", "service", "gateway", gateway, "--output=jsonpath={.spec.clusterIP}"];
  const printToken = ["exec", agent, "service/runner", "--", "printenv", "ANTHROPIC_AUTH_TOKEN"];
  const token = await target.kubectl(printToken);
  const url = `http://${await target.kubectl(address)}:8080/anthropic`;
  const json = join(dir, "url.json");
  await runInLab(lab, [...COMMAND, "--url", url, "--json", json], {
    cwd: lab.cloneDir,
    env: { ...process.env, ANTHROPIC_AUTH_TOKEN: token.trim() },
  });
  const { path, checks } = JSON.parse(await readFile(json, "utf8")) as Report;
  expect(path).toBe("external");
  expect(checks.filter(differs)).toEqual([]);
  expect(countByStatus(checks).pass).toBeGreaterThanOrEqual(19);
}

/** A gateway that cannot be measured gives a one-line error, and no client is left running. */
async function refusesWhatCannotBeMeasured(stack: string): Promise<void> {
  const { target } = range;
  const envoy = ["--selector=claude-gateway/path=envoy-terminate", `--namespace=${stack}-gateway`];
  const refusal = async (name: string) => {
    const { exitCode, stderr } = await verify("--stack", name);
    expect(exitCode).toBe(2);
    return stderr.trim().split("\n").at(-1);
  };

  expect(await refusal("nobody")).toMatch(
    /^no stack nobody \(known stacks: .*\)\. npm run local deploys the stack "local"$/,
  );

  await upstream.push({ match: {}, times: null, action: { kind: "reset", after: "request" } });
  expect(await refusal(stack)).toMatch(/^the gateway at \S+ does not reach its upstream: 50\d /);
  await upstream.reset();

  await target.kubectl(["scale", "deployments", ...envoy, "--replicas=0"]);
  await target.kubectl(["rollout", "status", "deployments", ...envoy, "--timeout=60s"]);
  await target.kubectl(["wait", "--for=delete", "pods", ...envoy, "--timeout=120s"]);
  expect(await refusal(stack)).toBe(
    `the gateway of stack ${stack} is not ready (there is no pod). See: kubectl get pods -n ${stack}-gateway`,
  );

  const clients = await target.kubectl([
    ...["exec", `--namespace=${stack}-agent`, "service/runner", "--", "sh", "-c"],
    "grep -l -e --input-typ[e]=module /proc/[0-9]*/cmdline || true",
  ]);
  expect(clients).toBe("");
}

const inItsTrial: Partial<Record<VariantName, (stack: string) => Promise<void>>> = {
  "envoy-terminate": async (stack) => {
    await keepsAllThatIsSeenFromOutside(stack);
    await refusesWhatCannotBeMeasured(stack);
  },
};

test.each(trials)(
  "$variant has the results of the reviewed table, and no way out is open",
  async (trial) => {
    const { variant } = trial;
    const report = await row.use(trial, async ({ name }) => {
      const measured = await reportOf(name);
      await expectClosed(variant, name, { cloneDir: lab.cloneDir, dir, serverFetch: true });
      await inItsTrial[variant]?.(name);
      return measured;
    });
    reports.push(report);
    expect(report.path).toBe(variant);
    const skipped = report.checks.filter(({ status }) => status === "skipped");
    expect(skipped.map(({ id }) => id)).toEqual(["streaming.quiet-310s"]);
  },
  900_000,
);

test("the README contains the measured decision table", async () => {
  const cells = (text: string) => text.replaceAll(/ *\| */g, "|").replaceAll(/-+/g, "-");
  const readme = await readFile(join(lab.cloneDir, "README.md"), "utf8");
  expect(reports.map(({ path }) => path)).toEqual(trials.map(({ variant }) => variant));
  expect(cells(readme)).toContain(cells(renderDecisionTable(reports)));
});

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

test("the shim restores status and body of errors that LiteLLM wraps", async () => {
  const errors = checks.filter(({ id }) => themeOf(id) === "errors");
  const report = await row.use(WRAPPING, async (stack) => {
    const outputs = await stack.outputs();
    const { target } = range;
    const subject = await openStack({ target, stack: stack.name, outputs, upstream, long: false });
    return measure(subject, undefined, errors).finally(subject.close);
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

test("nothing of a trial remains", async () => {
  await row.end();
  const names = await range.target.kubectl(["get", "namespaces", "--output=name"]);
  expect(names).not.toContain("verify-");
  expect((await range.pulumi.stacks()).filter((name) => name.startsWith("verify-"))).toEqual([]);
});
