import { expect, test } from "vitest";
import type { Check, Need } from "../../../verify/conformance/checks/check.ts";
import { checks } from "../../../verify/conformance/checks/index.ts";
import { decide } from "../../../verify/conformance/report/decision.ts";
import { recommend } from "../../../verify/conformance/report/recommendation.ts";
import { renderHtml } from "../../../verify/conformance/report/html.ts";
import { renderDecisionTable } from "../../../verify/conformance/report/markdown.ts";
import { openQuestions } from "../../../verify/conformance/report/open-questions.ts";
import type { CheckResult, Report, Status } from "../../../verify/conformance/report/report.ts";
import { renderTerminal } from "../../../verify/conformance/report/terminal.ts";

type Given = Readonly<Partial<Record<Check["id"], Status>>>;
type Unmet = Readonly<Partial<Record<Check["id"], readonly Need[]>>>;

/** A report on which every check passed except the given ones. A status is expected unless it is `fail`. `unmet` skips checks. */
function report(path: Report["path"], given: Given = {}, unmet: Unmet = {}): Report {
  const results = checks.map(({ id, title }): CheckResult => {
    const lacking = unmet[id];
    const status = lacking === undefined ? (given[id] ?? "pass") : "skipped";
    const expected = status === "fail" ? "pass" : status;
    const evidence = `seen <${id}>`;
    return { id, title, status, expected, evidence, ...(lacking && { unmet: lacking }) };
  });
  const failed = results.some(({ status }) => status === "fail");
  return {
    stack: "s",
    path,
    versions: { envoy: "1.39.1" },
    baseUrl: "http://gateway",
    measuredAt: "2026-11-23T02:00:00.000Z",
    view: "both-sides",
    checks: results,
    verdict: failed ? "differs" : "as-expected",
  };
}

const lossy = report("shim", { "body.bytes": "known-loss" });
const faithful = report("envoy-terminate");
const sni = report("envoy-sni", { "configuration.credential-holder": "by-design" });
const byDesign = report("envoy-terminate", { "headers.accept-encoding": "by-design" });

test("a fidelity failure on another path makes Envoy the recommendation", () => {
  expect(recommend([lossy, sni, faithful])).toEqual({
    path: "envoy-terminate",
    because: `${checks.length} of ${checks.length} checks passed, nothing lost, and no agent holds the real credential.`,
    others: [
      {
        path: "shim",
        because: "It changes or drops part of a request or an answer in 1 check (rule 2).",
      },
      {
        path: "envoy-sni",
        because:
          "Passes everything on unchanged, but the agent holds the real credential (rule 4).",
      },
    ],
  });
});

test("a change by design is counted, and is neither a loss nor a fidelity failure", () => {
  expect(recommend([lossy, byDesign]).path).toBe("envoy-terminate");
  expect(recommend([byDesign]).because).toBe(
    `${checks.length - 1} of ${checks.length} checks passed, nothing lost, 1 thing changed by design, and no agent holds the real credential.`,
  );
  expect(decide(byDesign).risk).toBe("Low: Nothing lost, 1 thing changed by design.");
  expect(decide(byDesign).unblocksAc5).toBe("Yes: A, B, C and D passed.");
  expect(renderTerminal(byDesign)).toContain("0 known losses, 1 changed by design, 0 failed");
  const html = renderHtml([byDesign], checks);
  expect(html).toContain("<b>1</b><span>changed by design</span>");
  expect(html).toContain("1 by design</span>");
});

test("a path through LiteLLM that loses nothing is recommended first", () => {
  expect(recommend([faithful, report("shim")]).path).toBe("shim");
});

test("a loss in the gateway's own answers is not a fidelity failure", () => {
  const own = report("litellm", { "own-errors.no-token": "known-loss" });
  expect(recommend([own]).path).toBe("litellm");
});

test("a path that differs from the table is never recommended", () => {
  const broken = report("envoy-terminate", { "configuration.retries": "fail" });
  expect(recommend([broken])).toMatchObject({ path: undefined });
  expect(recommend([broken, sni]).path).toBe("envoy-sni");
  expect(decide(broken).risk).toContain("High");
});

test("AC 5 is unblocked if all four questions are answered yes", () => {
  expect(decide(lossy).unblocksAc5).toBe("Yes: A, B, C and D passed.");
  const errors = report("litellm", { "errors.status-529": "known-loss", "streaming.many": "fail" });
  expect(decide(errors).unblocksAc5).toBe("No: A, C did not pass.");
  const unmeasured = report("external", {
    "caching.five-minutes": "skipped",
    "caching.one-hour": "skipped",
    "caching.unmarked": "skipped",
  });
  expect(decide(unmeasured).unblocksAc5).toBe("Open: B not measured completely.");
});

test("a path on which a check could not be run is not recommended, and the verdict says how to find out", () => {
  const own = report(
    "litellm",
    {},
    { "errors.status-529": ["upstream"], "tools.definitions": ["upstream"] },
  );
  expect(decide(own).unblocksAc5).toBe("Open: A, D not measured completely.");
  expect(decide(own).risk).toBe("Unknown: 2 checks could not be run.");
  expect(recommend([own, sni])).toEqual({
    path: "envoy-sni",
    because: `${checks.length - 1} of ${checks.length} checks passed, nothing lost.`,
    others: [{ path: "litellm", because: "2 checks could not be run (rule 3)." }],
  });
  expect(recommend([own])).toMatchObject({
    path: undefined,
    because: "What was measured does not show that a path passes everything on unchanged.",
  });
  const text = renderTerminal(own);
  expect(text).toContain(
    "Not known on litellm: 2 checks must compare what the gateway got with what the API sent, which was not possible here. " +
      "npm run verify -- --all-paths runs them on every path, in front of a fake API.",
  );
  const html = renderHtml([own], checks);
  expect(html).toContain("Not known: 2 checks could not be run");
  expect(html).toContain("<b>Open</b> 1 of");
  expect(html).not.toContain("Recommended:");
});

test("a known loss says more than a check that could not be run", () => {
  const both = report(
    "shim",
    { "body.bytes": "known-loss" },
    { "errors.status-529": ["upstream"] },
  );
  expect(decide(both).risk).toContain("Medium: 1 known loss,");
  expect(recommend([both]).because).toBe("No measured path passes everything on unchanged.");
  expect(renderHtml([both], checks)).toContain(
    "Not recommended: Shim. Any fidelity failure → Envoy",
  );
});

test("a check that --long leaves out is no open question", () => {
  const quick = report("envoy-terminate", {}, { "streaming.quiet-310s": ["long"] });
  expect(recommend([quick]).path).toBe("envoy-terminate");
  expect(decide(quick).unblocksAc5).toBe("Yes: A, B, C and D passed.");
  expect(renderTerminal(quick)).not.toContain("Not known");
  const open = report("envoy-terminate", {}, { "streaming.quiet-310s": ["upstream", "long"] });
  expect(recommend([open]).path).toBeUndefined();
});

test("from outside, the verdict on another gateway says that only one side can be seen", () => {
  const external = report(
    "external",
    {},
    { "body.bytes": ["upstream"], "errors.status-529": ["upstream", "claude"] },
  );
  expect(openQuestions(external)).toEqual([
    "Not known: 2 checks must compare what the gateway got with what the API sent, which was not possible here. From outside only the client's side can be seen.",
  ]);
});

test("the README's table has one row per path, with counts and answers", () => {
  const [head, , ...rows] = renderDecisionTable([lossy, sni])
    .split("\n")
    .map((line) => line.slice(2, -2).split(" | "));
  expect(head).toHaveLength(12);
  expect(head?.slice(0, 6)).toEqual([
    ...["path", "A errors", "B caching", "C streaming", "D sessions and tools", "checks passed"],
  ]);
  expect(rows.map(([path]) => path)).toEqual(["Shim", "Envoy by SNI"]);
  expect(rows[0]?.[5]).toBe(`${checks.length - 1}/${checks.length}`);
  expect(rows[0]?.[6]).toBe("Yes: A, B, C and D passed.");
  expect(rows.map((row) => row[8]?.split(":")[0])).toEqual(["Gateway", "Agent"]);
  expect(rows[0]?.[9]).toMatch(/^Within reach: .* \(description\)$/);
  expect(rows[1]?.[11]).toBe("Medium: Nothing lost, but the agent holds the real credential.");
});

test("the page is one file that loads nothing and contains every check and the decision table", () => {
  const html = renderHtml([lossy, faithful], checks);
  for (const { id } of checks) expect(html).toContain(`>${id}<`);
  expect(html).not.toMatch(/<(script|link|img|iframe)\b|@import|url\(/);
  expect(html).toContain("Recommended: Envoy");
  expect(html).toContain("AC 5 unblocks?");
  expect(html).toContain("seen &lt;body.bytes&gt;");
  expect(html).not.toContain("seen <");
});

test("the page of a single path with losses says what to do", () => {
  expect(renderHtml([lossy], checks)).toContain(
    "Not recommended: Shim. Any fidelity failure → Envoy",
  );
});

/** The first word and the reasons of the page's first screen. */
function firstScreen(...reports: Report[]): string[] {
  const html = renderHtml(reports, checks);
  const [, box = ""] = /<section class="answer [\w-]+">(.*?)<\/section>/s.exec(html) ?? [];
  expect(html.indexOf('class="answer')).toBeLessThan(html.indexOf('class="figures"'));
  const text = box.replaceAll(/<a .*?<\/a>/g, "").replaceAll(/<\/?p>/g, "\n");
  return text
    .split(/<\/?b>|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

test("the page's first screen says whether agents may run through the gateway, and why", () => {
  expect(firstScreen(byDesign)).toEqual(["Yes.", recommend([byDesign]).because]);
  expect(firstScreen(lossy)).toEqual([
    "No.",
    "It changes or drops part of a request or an answer in 1 check (rule 2).",
  ]);
  expect(firstScreen(lossy, faithful)[0]).toBe("Through Envoy.");
  expect(firstScreen(lossy, lossy)[0]).toBe("Through none of these.");
  const open = report(
    "external",
    {},
    { "body.bytes": ["upstream"], "claude-code.turn": ["claude"] },
  );
  expect(firstScreen(open)).toEqual([
    "Not known.",
    ...openQuestions(open).map((line) => line.replace("Not known: ", "")),
  ]);
});

test("the terminal report shows evidence and expectation for checks that did not plainly pass", () => {
  const text = renderTerminal(report("shim", { "body.json": "fail", "body.bytes": "known-loss" }));
  expect(text).toContain("expected: pass");
  expect(text).toContain("seen <body.json>");
  expect(text).toContain("seen <body.bytes>");
  expect(text).not.toContain("seen <body.unicode>");
  expect(text).toContain(
    `${checks.length - 2} passed, 1 known losses, 0 changed by design, 1 failed`,
  );
  expect(text).toContain("DIFFERS from the table of known losses in 1 checks");
});
