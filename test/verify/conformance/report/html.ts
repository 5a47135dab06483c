import { type Check, type Theme, themes } from "../checks/check.ts";
import { checksOf, counted, tally } from "./decision.ts";
import { answerBox, decisionTable, recommendation, seedQuestions } from "./html-decision.ts";
import { details } from "./html-details.ts";
import { escape, SIGNS, WORDS } from "./html-parts.ts";
import { STYLE } from "./html-style.ts";
import { pathFacts } from "./path-facts.ts";
import { differs, type Report, type Status } from "./report.ts";

/** One self-contained page about one or several paths, for readers who do not know the project. */
export function renderHtml(reports: readonly Report[], checks: readonly Check[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title(reports))}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${opening(reports)}
${glance(reports)}
${details(reports, checks)}
${seedQuestions(reports)}
${decisionTable(reports)}
${recommendation(reports)}
${footer(reports)}
</main>
</body>
</html>
`;
}

function title(reports: readonly Report[]): string {
  const [only, ...more] = reports;
  return only === undefined || more.length > 0
    ? "What each gateway passes on unchanged, and what it loses"
    : `What the gateway of ${only.stack} passes on unchanged, and what it loses`;
}

/** What the first screen answers. */
function question(reports: readonly Report[]): string {
  const [only, ...more] = reports;
  return only === undefined || more.length > 0
    ? "Through which gateway may I run my agents?"
    : `May I run my agents through ${only.stack}?`;
}

function opening(reports: readonly Report[]): string {
  const all = reports.flatMap(({ checks }) => checks);
  const { measured, kept, changed, lost, failed, open } = tally(all);
  const unexpected = all.filter(differs).length;
  const date = reports[0]?.measuredAt.slice(0, 10) ?? "";
  return `<header>
<p class="eyebrow">Conformance verdict · ${escape(date)}</p>
<h1>${escape(question(reports))}</h1>
${answerBox(reports)}
<p class="lead">AI agents (Claude Code) work unattended here. They reach Anthropic's API through a <em>gateway</em>,
which holds the real key so that no agent can read it. But a gateway can also damage the traffic: it can reword an
error, delay an event or drop a field. So we send real traffic through
${reports.length === 1 ? "the gateway" : "each gateway"}, ${reports.every(({ view }) => view === "both-sides") ? "compare both ends byte for byte" : "look at what comes back"}, and report what passes unchanged and what is lost.</p>
<div class="figures">
${figure(measured, "checks run", "")}
${figure(kept, "passed", "pass")}
${changed > 0 ? `${figure(changed, "changed by design", "by-design")}\n` : ""}${figure(lost, "known losses", lost > 0 ? "known-loss" : "")}
${figure(failed, "failed", failed > 0 ? "fail" : "")}
</div>
<p class="verdict ${unexpected > 0 ? "fail" : open > 0 ? "known-loss" : "pass"}">${
    unexpected === 0
      ? `Every result is as expected${lost > 0 ? ": each loss below is known, reviewed and has a reason" : ""}.${notRun(open)}`
      : `${unexpected} result${unexpected === 1 ? " is" : "s are"} not as expected and marked below.`
  }</p>
</header>`;
}

function notRun(open: number): string {
  return open === 0
    ? ""
    : ` But ${counted(open, "check")} could not be run, so this is no complete answer.`;
}

function figure(count: number, what: string, kind: string): string {
  return `<div class="figure ${kind}"><b>${count}</b><span>${what}</span></div>`;
}

function glance(reports: readonly Report[]): string {
  const heads = reports
    .map(({ path }) => `<th scope="col">${escape(pathFacts(path).name)}</th>`)
    .join("");
  const paths = reports
    .map(({ path }) => {
      const { name, chain } = pathFacts(path);
      return `<li><b>${escape(name)}</b> <span>${escape(chain)}</span></li>`;
    })
    .join("");
  const rows = (Object.keys(themes) as Theme[])
    .map((theme) => {
      const cells = reports
        .map(
          (report) =>
            `<td data-path="${escape(pathFacts(report.path).name)}">${share(report, theme)}</td>`,
        )
        .join("");
      return `<tr><th scope="row"><a href="#${theme}">${escape(themes[theme])}</a></th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>At a glance</h2>
<ul class="paths">${paths}</ul>
<p>How many checks passed, for each part of the traffic.</p>
<table class="glance"><thead><tr><td></td>${heads}</tr></thead><tbody>
${rows}
</tbody></table>
<p class="legend">${legend()}</p>
</section>`;
}

function share(report: Report, theme: Theme): string {
  const { kept, changed, lost, failed, measured } = tally(checksOf(report, [theme]));
  if (measured === 0) {
    const status = checksOf(report, [theme])[0]?.status ?? "skipped";
    return `<span class="share ${status}">${WORDS[status]}</span>`;
  }
  const kind = failed > 0 ? "fail" : lost > 0 ? "known-loss" : changed > 0 ? "by-design" : "pass";
  const rest = [
    ...(changed > 0 ? [`${changed} by design`] : []),
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(", ");
  return `<span class="share ${kind}"><b>${kept}/${measured}</b> ${rest === "" ? "passed" : rest}</span>`;
}

function legend(): string {
  return (Object.keys(WORDS) as Status[])
    .map((status) => `<span class="chip ${status}">${SIGNS[status]} ${WORDS[status]}</span>`)
    .join(" ");
}

function footer(reports: readonly Report[]): string {
  const rows = reports
    .map(({ path, stack, measuredAt, versions, view }) => {
      const parts = Object.entries(versions)
        .map(([part, version]) => `${part} ${version}`)
        .join(" · ");
      const how =
        view === "both-sides"
          ? "both ends compared, with a fake API that records every byte"
          : "only the client's side, with the real API";
      return `<li><b>${escape(pathFacts(path).name)}</b> stack ${escape(stack)}, ${escape(measuredAt.replace("T", " ").slice(0, 16))} UTC, ${how}<br><code>${escape(parts)}</code></li>`;
    })
    .join("\n");
  return `<footer><h2>How this was measured</h2><ul>${rows}</ul></footer>`;
}
