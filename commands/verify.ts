import { writeFile } from "node:fs/promises";
import { runCommand } from "../cli/command-line.ts";
import { lineProgress, type Progress } from "../test/lab/progress.ts";
import { measureAllPaths } from "../test/verify/conformance/all-paths.ts";
import { measure, spendingOf } from "../test/verify/conformance/measure.ts";
import { type Options, parseOptions, USAGE } from "../test/verify/conformance/options.ts";
import { checks } from "../test/verify/conformance/checks/index.ts";
import { decide } from "../test/verify/conformance/report/decision.ts";
import { recommend } from "../test/verify/conformance/report/recommendation.ts";
import { renderHtml } from "../test/verify/conformance/report/html.ts";
import { renderJunit } from "../test/verify/conformance/report/junit.ts";
import { renderDecisionTable } from "../test/verify/conformance/report/markdown.ts";
import type { Report } from "../test/verify/conformance/report/report.ts";
import { renderTerminal } from "../test/verify/conformance/report/terminal.ts";
import type { Target } from "../test/lab/target.ts";
import { gatewayNamespace } from "../test/verify/conformance/subject/gateway-namespace.ts";
import { keepVerdict } from "./status/last-verdict.ts";
import { findStack } from "../test/verify/conformance/subject/find-stack.ts";
import { openStack } from "../test/verify/conformance/subject/stack.ts";
import { FREE, renderPlan } from "../test/verify/conformance/spending.ts";
import type { Subject } from "../test/verify/conformance/subject/subject.ts";
import { openUrl } from "../test/verify/conformance/subject/url.ts";

const progress = lineProgress();

/** `npm run verify`: measures what a gateway passes on unchanged and what it changes or drops. */
async function main(signal: AbortSignal): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.env);
  const reports = await reportsOf(options, progress, signal);
  for (const report of reports) process.stdout.write(renderTerminal(report));
  if (reports.length > 1) process.stdout.write(`\n${renderDecisionTable(reports)}\n`);
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(jsonOf(reports), null, 2)}\n`);
  }
  if (options.junit !== undefined) await writeFile(options.junit, renderJunit(reports));
  if (options.html !== undefined) await writeFile(options.html, renderHtml(reports, checks));
  if (reports.length === 0) throw new Error("nothing was measured");
  return reports.every(({ verdict }) => verdict === "as-expected") ? 0 : 1;
}

/** One report unchanged; for several, a report that also compares them. */
function jsonOf(reports: readonly Report[]) {
  const [only, ...more] = reports;
  if (only !== undefined && more.length === 0) return only;
  return {
    paths: reports,
    decisions: reports.map(decide),
    recommendation: recommend(reports),
    verdict: reports.some(({ verdict }) => verdict === "differs") ? "differs" : "as-expected",
  };
}

async function reportsOf(
  { subject, long, budgetUsd }: Options,
  progress: Progress,
  signal: AbortSignal,
): Promise<Report[]> {
  switch (subject.kind) {
    case "stack": {
      const found = await findStack(subject.stack, subject.kubeconfig, progress);
      const opened = await openStack({ ...found, stack: subject.stack, long });
      const report = await reportOn(opened, progress, signal, budgetUsd);
      await keep(found.target, subject.stack, report);
      return [report];
    }
    case "url":
      return [await reportOn(await openUrl({ ...subject, long }), progress, signal, budgetUsd)];
    case "all-paths":
      return measureAllPaths({
        ...{ long, progress, signal },
        measure: (opened) => reportOn(opened, progress, signal),
      });
  }
}

/** Keeps the verdict for `npm run status`. Whoever may only read the cluster gets the verdict too. */
async function keep(target: Target, stack: string, report: Report): Promise<void> {
  try {
    await keepVerdict(target, await gatewayNamespace(target, stack), report);
  } catch (error) {
    progress.note(
      `The verdict was not kept for npm run status: ${(error as Error).message.trim()}`,
    );
  }
}

async function reportOn(
  subject: Subject,
  progress: Progress,
  signal: AbortSignal,
  budgetUsd?: number,
): Promise<Report> {
  const spending = spendingOf(subject, budgetUsd);
  if (spending !== FREE) for (const line of renderPlan(spending)) progress.note(line);
  // Measurements stop early when their client is closed.
  signal.addEventListener("abort", subject.close);
  try {
    const report = await progress.step(`Measuring ${subject.path} (${subject.stack})`, (status) =>
      measure(
        subject,
        (done, of) => {
          status(`${done} of ${of} checks`);
        },
        checks,
        spending,
      ),
    );
    signal.throwIfAborted();
    return report;
  } finally {
    signal.removeEventListener("abort", subject.close);
    subject.close();
  }
}

await runCommand(main, {
  usage: USAGE,
  // 1 says that something was measured, and what.
  errorCode: 2,
  onInterrupt: (signal) => {
    progress.note(`${signal}: stopping`);
  },
});
