import { create } from "xmlbuilder2";
import { themeOf } from "../checks/check.ts";
import { type CheckResult, differs, type Report } from "./report.ts";

/**
 * The reports as a JUnit file, which CI systems show: a suite for each gateway, a case for each check. A check fails if its
 * result is not the expected one, so a known loss passes; a check that was not run is skipped.
 */
export function renderJunit(reports: readonly Report[]): string {
  const all = reports.flatMap(({ checks }) => checks);
  const root = create({ version: "1.0", encoding: "UTF-8" }).ele("testsuites", countsOf(all));
  for (const { stack, path, measuredAt, checks } of reports) {
    const suite = root.ele("testsuite", {
      name: `${path} (${stack})`,
      timestamp: measuredAt,
      ...countsOf(checks),
    });
    for (const check of checks) {
      const test = suite.ele("testcase", {
        classname: `${path}.${themeOf(check.id)}`,
        name: `${check.id}: ${check.title}`,
      });
      if (differs(check)) {
        test.ele("failure", { message: `${check.status}, expected ${check.expected}` });
      } else if (wasNotRun(check)) {
        test.ele("skipped");
      }
      test.ele("system-out").txt(withoutControls(`${check.status}: ${check.evidence}`));
    }
  }
  return `${root.end({ prettyPrint: true })}\n`;
}

function countsOf(checks: readonly CheckResult[]) {
  return {
    tests: checks.length,
    failures: checks.filter(differs).length,
    errors: 0,
    skipped: checks.filter((check) => !differs(check) && wasNotRun(check)).length,
  };
}

function wasNotRun({ status }: CheckResult): boolean {
  return status === "skipped" || status === "not-applicable";
}

/** XML cannot contain control characters and halves of surrogate pairs, not even escaped ones. */
function withoutControls(text: string): string {
  return text.replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
