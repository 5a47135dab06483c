import { expect, test } from "vitest";
import { checks } from "../../../verify/conformance/checks/index.ts";
import { expectationOf } from "../../../verify/conformance/expected.ts";
import { decide } from "../../../verify/conformance/report/decision.ts";
import type { CheckResult, Report } from "../../../verify/conformance/report/report.ts";

test("with another provider, the checks of the real Claude Code and of the configuration apply, and no other", () => {
  const applied = checks.filter(
    (check) =>
      expectationOf("envoy-terminate", check, { provider: "bedrock" }).status !== "not-applicable",
  );
  const themes = new Set(applied.map(({ id }) => id.split(".")[0]));
  expect([...themes]).toEqual(["claude-code", "configuration"]);
  const [other] = checks;
  expect(other && expectationOf("envoy-terminate", other, { provider: "bedrock" })).toEqual({
    status: "not-applicable",
    reason: "the check sends requests of Anthropic's API, and the agents' API is bedrock",
  });
});

/** The answer to "provider portability?" of a report with these results of Claude Code's checks. */
function portability(provider: Report["provider"], ...statuses: CheckResult["status"][]): string {
  return decide({
    ...{ stack: "s", path: "envoy-terminate", versions: {}, baseUrl: "", measuredAt: "" },
    ...{ view: "client", verdict: "as-expected" },
    ...(provider !== undefined && { provider }),
    checks: statuses.map((status) => ({
      id: "claude-code.turn",
      ...{ title: "", status, expected: "pass", evidence: "" },
    })),
  }).portability;
}

test("whether agents can use another provider is answered by what ran with it", () => {
  expect(portability("vertex", "pass", "pass", "skipped")).toBe(
    "Yes: 2 of 2 checks with the real Claude Code and vertex passed.",
  );
  expect(portability("bedrock", "pass", "fail")).toBe(
    "No: 1 of 2 checks with the real Claude Code and bedrock passed.",
  );
  expect(portability("bedrock", "skipped")).toBe(
    "Not measured: no check ran the real Claude Code with bedrock.",
  );
  expect(portability(undefined, "pass")).toBe(
    "Not measured: the stack's provider is Anthropic's API. The path also offers vertex and bedrock.",
  );
});
