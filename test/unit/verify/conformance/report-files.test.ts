import { Ajv } from "ajv";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decide } from "../../../verify/conformance/report/decision.ts";
import { recommend } from "../../../verify/conformance/report/recommendation.ts";
import { renderReportSchema } from "../../../verify/conformance/report/json-schema.ts";
import { renderJunit } from "../../../verify/conformance/report/junit.ts";
import type { Report } from "../../../verify/conformance/report/report.ts";

const committed = new URL("../../../verify/conformance/report/report.schema.json", import.meta.url);
const valid = new Ajv({ strict: false, validateFormats: false }).compile(
  JSON.parse(renderReportSchema()) as object,
);

const REPORT: Report = {
  stack: "s & t",
  path: "shim",
  versions: { envoy: "1.39.1" },
  baseUrl: "http://gateway",
  measuredAt: "2026-11-23T02:00:00.000Z",
  view: "both-sides",
  checks: [
    { id: "body.bytes", title: "Same bytes", status: "pass", expected: "pass", evidence: "equal" },
    {
      id: "body.numbers",
      title: "Numbers",
      status: "known-loss",
      expected: "known-loss",
      evidence: "[rounded] 1e400",
      reason: "parsed",
    },
    {
      id: "errors.status-529",
      title: "Status <529>",
      status: "fail",
      expected: "pass",
      evidence: 'status 529 became "500"',
    },
    {
      id: "streaming.quiet-310s",
      title: "Silence",
      status: "skipped",
      expected: "skipped",
      evidence: "needs --long",
      unmet: ["long"],
    },
  ],
  verdict: "differs",
};

const comparison = {
  paths: [REPORT, REPORT],
  decisions: [decide(REPORT), decide(REPORT)],
  recommendation: recommend([REPORT, REPORT]),
  verdict: "differs",
};

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("the committed schema of the report is up to date (update: `npm run schema`)", () => {
  expect(readFileSync(committed, "utf8")).toBe(renderReportSchema());
});

test("the schema accepts a report on one path and on several", () => {
  expect(valid(asJson(REPORT))).toBe(true);
  expect(valid(asJson(comparison))).toBe(true);
});

test("the schema accepts a report on another provider's API", () => {
  expect(valid(asJson({ ...REPORT, provider: "bedrock" }))).toBe(true);
});

test.each<[string, object]>([
  ["an unknown status", { checks: [{ ...REPORT.checks[0], status: "maybe" }] }],
  ["an expected failure", { checks: [{ ...REPORT.checks[0], expected: "fail" }] }],
  ["an id without a theme", { checks: [{ ...REPORT.checks[0], id: "bytes" }] }],
  ["no check at all", { checks: [] }],
  ["an unknown path", { path: "nginx" }],
  ["an unknown provider", { provider: "azure" }],
  ["an unknown key", { more: 1 }],
  ["a missing verdict", { verdict: undefined }],
])("the schema refuses %s", (_, change) => {
  expect(valid(asJson({ ...REPORT, ...change }))).toBe(false);
});

test("the JUnit file has a suite for each gateway, and a check that differs is its only failure", () => {
  const xml = renderJunit([REPORT, REPORT]);
  expect(xml).toContain('<testsuites tests="8" failures="2" errors="0" skipped="2">');
  expect(xml).toContain(
    '<testsuite name="shim (s &amp; t)" timestamp="2026-11-23T02:00:00.000Z" tests="4" failures="1" errors="0" skipped="1">',
  );
  expect(xml).toContain(
    '<testcase classname="shim.errors" name="errors.status-529: Status &lt;529&gt;">',
  );
  expect(xml.match(/<failure /g)).toHaveLength(2);
  expect(xml).toContain('<failure message="fail, expected pass"/>');
  expect(xml.match(/<skipped\/>/g)).toHaveLength(2);
  expect(xml).toContain("<system-out>known-loss: [rounded] 1e400</system-out>");
});

test("the JUnit file is XML whatever the evidence contains", () => {
  const [first] = REPORT.checks;
  if (first === undefined) throw new Error("there is no check");
  const evidence = "a\u0000\u001b[31m\ud800 ]]> </system-out>\n\ttab";
  const xml = renderJunit([{ ...REPORT, checks: [{ ...first, evidence }] }]);
  expect(xml).toContain(
    "<system-out>pass: a\ufffd\ufffd[31m\ufffd ]]&gt; &lt;/system-out&gt;\n\ttab</system-out>",
  );
});
