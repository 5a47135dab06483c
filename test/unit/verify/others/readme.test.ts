import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { images } from "../../../../stacks/versions.ts";
import { ReportJson } from "../../../verify/conformance/report/json-schema.ts";
import type { Report } from "../../../verify/conformance/report/report.ts";
import { type OtherGateway, otherGateways } from "../../../verify/others/gateways.ts";
import { releases } from "../../../verify/others/older.ts";
import { measuredOn, renderOthers, renderReleases } from "../../../verify/others/table.ts";

const read = (path: string) =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

const kept = <Gateway extends OtherGateway>(gateways: readonly Gateway[]) =>
  gateways.map((gateway) => ({
    gateway,
    report: JSON.parse(read(`test/verify/others/results/${gateway.name}.json`)) as Report,
  }));
const measured = kept(otherGateways);
const older = kept(releases);

/** Text whose cells have no padding and whose rules all have one length, so that the formatter may align tables. */
const plain = (text: string) => text.replaceAll(/ *\| */g, "|").replaceAll(/-{3,}:?/g, "---");

test("the README contains the tables of the kept reports, and the day of the oldest", () => {
  const readme = read("README.md");
  expect(plain(readme)).toContain(plain(renderOthers(measured)));
  expect(plain(readme)).toContain(plain(renderReleases(older)));
  expect(readme.replaceAll(/\s+/g, " ")).toContain(
    `Measured on ${measuredOn([...measured, ...older].map(({ report }) => report))} by \`npm run verify:others\``,
  );
});

test.each([...measured, ...older])(
  "$gateway.name: both ends were compared, and no check is broken",
  (one) => {
    const { gateway, report } = one;
    expect(ReportJson.safeParse(report).error).toBeUndefined();
    expect(report).toMatchObject({ path: "external", view: "both-sides", stack: gateway.name });
    expect(report.versions).toEqual({ gateway: gateway.version });
    const broken = report.checks.filter(({ evidence }) => evidence.startsWith("[broken-check]"));
    expect(broken).toEqual([]);
  },
);

test.each([
  ["litellm-adapter", "python/litellm.in"],
  ["portkey", "portkey/package.json"],
  ["claude-code-router", "claude-code-router/package.json"],
  ["inferrail", "python/inferrail.in"],
  ["litelitellm", "python/litelitellm.in"],
  ["rolter", "python/rolter.in"],
])("the version of %s is the pinned one", (name, file) => {
  const [, version = "none"] =
    otherGateways.find((one) => one.name === name)?.version.split(" ") ?? [];
  expect(read(`test/lab/parts/${file}`)).toContain(version);
});

test("a gateway on which nothing of a theme was measured has no share there", () => {
  const [gateway] = otherGateways;
  const report = measured[0]?.report;
  if (gateway === undefined || report === undefined) throw new Error("no report is kept");
  const checks = report.checks.filter(({ id }) => id.startsWith("errors."));
  const [, , row] = renderOthers([{ gateway, report: { ...report, checks } }]).split("\n");
  expect(row?.split(" | ").slice(3, 10)).toEqual(["–", "–", "–", "–", "–", "–", "–"]);
});

test("the deployed releases of the table are those that are deployed", () => {
  const of = (title: string) =>
    older.find(({ gateway }) => gateway.title === title && gateway.deployed === undefined)?.gateway
      .version ?? "none";
  expect(read("test/lab/parts/claude-code/package.json")).toContain(`"${of("Claude Code")}"`);
  expect(images.envoy).toContain(of("Envoy"));
  expect(images.litellm).toContain(of("LiteLLM"));
});

test("a release loses what only the deployed one keeps, by name or, if it is much of a theme, by number", () => {
  const [deployed, before] = older.filter(({ gateway }) => gateway.title === "LiteLLM");
  if (deployed === undefined || before === undefined) throw new Error("a report is missing");
  const of = (failing: number, prefix: string) =>
    deployed.report.checks
      .filter(({ id, status }) => id.startsWith(prefix) && status === "pass")
      .slice(0, failing)
      .map(({ id }) => id);
  const failing = [...of(2, "caching."), ...of(5, "errors.")];
  const checks = deployed.report.checks.map((check) =>
    failing.includes(check.id) ? { ...check, status: "fail" as const } : check,
  );
  const table = renderReleases([deployed, { ...before, report: { ...before.report, checks } }]);
  expect(table.split("\n")[3]).toContain(
    "| 5 of errors, `caching.five-minutes`, `caching.one-hour` |",
  );
});
