import type { Check, Theme } from "../checks/check.ts";
import { themeOf, themes } from "../checks/check.ts";
import { decide, type Decision, questions, recommend, rules, tally, checksOf } from "./decision.ts";
import { STYLE } from "./html-style.ts";
import { pathFacts } from "./path-facts.ts";
import { type CheckResult, differs, type Report, type Status } from "./report.ts";

const WORDS: Readonly<Record<Status, string>> = {
  pass: "kept",
  fail: "failed",
  "known-loss": "lost, as known",
  "not-applicable": "does not apply",
  skipped: "not measured",
};

const SIGNS: Readonly<Record<Status, string>> = {
  pass: "✓",
  fail: "✗",
  "known-loss": "▽",
  "not-applicable": "–",
  skipped: "○",
};

/** One self-contained page about one path or several, for somebody who has never seen the project. */
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
    ? "What each gateway keeps, and what it loses"
    : `What the gateway of ${only.stack} keeps, and what it loses`;
}

function opening(reports: readonly Report[]): string {
  const all = reports.flatMap(({ checks }) => checks);
  const { measured, kept, lost, failed } = tally(all);
  const unexpected = all.filter(differs).length;
  const date = reports[0]?.measuredAt.slice(0, 10) ?? "";
  return `<header>
<p class="eyebrow">Conformance verdict · ${escape(date)}</p>
<h1>${escape(title(reports))}</h1>
<p class="lead">AI agents (Claude Code) work unattended here. They reach Anthropic's API through a <em>gateway</em>,
which holds the real key so that no agent can read it. But whatever stands in the middle can damage what passes: an
error that is reworded, an event that arrives late, a field that is dropped. So we send real traffic through
${reports.length === 1 ? "the gateway" : "each gateway"}, ${reports.every(({ view }) => view === "both-sides") ? "compare both ends byte for byte" : "look at what comes back"}, and write down what is kept and what is lost.</p>
<div class="figures">
${figure(measured, "checks run", "")}
${figure(kept, "kept", "pass")}
${figure(lost, "known losses", "known-loss")}
${figure(failed, "failed", failed > 0 ? "fail" : "")}
</div>
<p class="verdict ${unexpected === 0 ? "pass" : "fail"}">${
    unexpected === 0
      ? "Every result is the one that was expected: each loss below is known, reviewed and has a reason."
      : `${unexpected} result${unexpected === 1 ? " is" : "s are"} not the expected one, marked below.`
  }</p>
</header>`;
}

function figure(count: number, what: string, kind: string): string {
  return `<div class="figure ${kind}"><b>${count}</b><span>${what}</span></div>`;
}

function glance(reports: readonly Report[]): string {
  const heads = reports
    .map(
      ({ path }) =>
        `<th scope="col">${escape(pathFacts[path].name)}<small>${escape(pathFacts[path].chain)}</small></th>`,
    )
    .join("");
  const rows = (Object.keys(themes) as Theme[])
    .map((theme) => {
      const cells = reports
        .map(
          (report) =>
            `<td data-path="${escape(pathFacts[report.path].name)}">${share(report, theme)}</td>`,
        )
        .join("");
      return `<tr><th scope="row"><a href="#${theme}">${escape(themes[theme])}</a></th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>At a glance</h2>
<p>${reports.length === 1 ? "What this path keeps" : "Each column is a path that a request can take; each row is a part of the traffic"}. Numbers are checks.</p>
<table class="glance"><thead><tr><td></td>${heads}</tr></thead><tbody>
${rows}
</tbody></table>
<p class="legend">${legend()}</p>
</section>`;
}

function share(report: Report, theme: Theme): string {
  const { kept, lost, failed, measured } = tally(checksOf(report, [theme]));
  if (measured === 0) {
    const status = checksOf(report, [theme])[0]?.status ?? "skipped";
    return `<span class="share ${status}">${WORDS[status]}</span>`;
  }
  const kind = failed > 0 ? "fail" : lost > 0 ? "known-loss" : "pass";
  const rest = [
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(", ");
  return `<span class="share ${kind}"><b>${kept}/${measured}</b> ${rest === "" ? "kept" : rest}</span>`;
}

function legend(): string {
  return (Object.keys(WORDS) as Status[])
    .map((status) => `<span class="chip ${status}">${SIGNS[status]} ${WORDS[status]}</span>`)
    .join(" ");
}

function details(reports: readonly Report[], checks: readonly Check[]): string {
  const sections = (Object.keys(themes) as Theme[]).map((theme) => {
    const rows = checks
      .filter(({ id }) => themeOf(id) === theme)
      .map((check) => checkRow(check, reports))
      .join("\n");
    return rows === "" ? "" : `<h3 id="${theme}">${escape(themes[theme])}</h3>\n${rows}`;
  });
  return `<section>
<h2>Check by check</h2>
<p>Open a line to read why it matters, and what was seen.</p>
${sections.join("\n")}
</section>`;
}

function checkRow(check: Check, reports: readonly Report[]): string {
  const results = reports.flatMap((report) => {
    const result = report.checks.find(({ id }) => id === check.id);
    return result === undefined ? [] : [{ report, result }];
  });
  if (results.length === 0) return "";
  const chips = results
    .map(({ report, result }) => chip(report, result, reports.length > 1))
    .join("");
  const evidence = results
    .map(
      ({
        report,
        result,
      }) => `<div class="seen"><dt>${escape(pathFacts[report.path].name)} <span class="chip ${kindOf(result)}">${SIGNS[result.status]} ${WORDS[result.status]}</span></dt>
<dd>${escape(result.evidence)}${reason(result)}</dd></div>`,
    )
    .join("\n");
  return `<details><summary><span class="what">${escape(check.title)}</span><span class="chips">${chips}</span></summary>
<p class="why">${escape(check.protects)}</p>
<dl>${evidence}</dl>
<p class="id">${escape(check.id)}</p></details>`;
}

function reason(result: CheckResult): string {
  const unexpected = differs(result)
    ? `<p class="unexpected">Expected: ${WORDS[result.expected]}.</p>`
    : "";
  return result.reason === undefined || result.status === "not-applicable"
    ? unexpected
    : `${unexpected}<p class="reason">Why: ${escape(result.reason)}</p>`;
}

/** What was not expected is shown as a failure, whatever it is. */
function kindOf(result: CheckResult): string {
  return differs(result) ? "fail" : result.status;
}

function chip({ path }: Report, result: CheckResult, many: boolean): string {
  const name = pathFacts[path].name;
  const hint = `${name}: ${WORDS[result.status]}`;
  return many
    ? `<span class="dot ${kindOf(result)}" title="${escape(hint)}" aria-label="${escape(hint)}">${SIGNS[result.status]}</span>`
    : `<span class="chip ${kindOf(result)}">${SIGNS[result.status]} ${WORDS[result.status]}</span>`;
}

function seedQuestions(reports: readonly Report[]): string {
  const decisions = reports.map(decide);
  const rows = questions
    .map(({ letter, title }) => {
      const cells = decisions
        .map(
          (decision) =>
            `<td data-path="${escape(pathFacts[decision.path].name)}">${answer(decision, letter)}</td>`,
        )
        .join("");
      return `<tr><th scope="row">${letter}. ${escape(title)}</th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>The four questions</h2>
<p>A half-hour trial of LiteLLM in April 2026 left four questions open. This is what the checks above answer.</p>
<table class="glance"><thead><tr><td></td>${decisions.map(({ path }) => `<th scope="col">${escape(pathFacts[path].name)}</th>`).join("")}</tr></thead><tbody>
${rows}
</tbody></table>
</section>`;
}

function answer({ answers }: Decision, letter: string): string {
  const { kept, lost, failed, measured } = answers[letter] ?? tally([]);
  if (measured === 0) return `<span class="share skipped">not measured</span>`;
  const all = kept === measured;
  const kind = all ? "pass" : failed > 0 ? "fail" : "known-loss";
  return `<span class="share ${kind}"><b>${all ? "Yes" : "No"}</b> ${all ? `${kept}/${measured}` : `${lost + failed} of ${measured} not`}</span>`;
}

function decisionTable(reports: readonly Report[]): string {
  const columns = [
    "AC 5 unblocks?",
    "Cost ceiling?",
    "Provider portability?",
    "Observability hook?",
    "Risk",
  ];
  const rows = reports
    .map(decide)
    .map((decision) => {
      const values = [
        decision.unblocksAc5,
        decision.costCeiling,
        decision.portability,
        decision.observability,
        decision.risk,
      ];
      const cells = values
        .map(
          (value, index) => `<td data-label="${columns[index] ?? ""}">${strongStart(value)}</td>`,
        )
        .join("");
      return `<tr><th scope="row">${escape(pathFacts[decision.path].name)}<small>${escape(pathFacts[decision.path].chain)}</small></th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>The decision table</h2>
<p>The trial's own table, filled in. <em>AC 5</em> was the acceptance criterion that waited for it: agents reach the API through the
gateway and nothing else. It is unblocked where all four answers are yes.</p>
<table class="decision"><thead><tr><th scope="col">Path</th>${columns.map((column) => `<th scope="col">${column}</th>`).join("")}</tr></thead><tbody>
${rows}
</tbody></table>
</section>`;
}

/** The answer before the colon stands out. */
function strongStart(text: string): string {
  const [first = "", ...rest] = text.split(": ");
  return rest.length === 0 ? escape(text) : `<b>${escape(first)}</b> ${escape(rest.join(": "))}`;
}

function recommendation(reports: readonly Report[]): string {
  const { path, because, others } = recommend(reports);
  const [only] = reports;
  const alone = reports.length === 1 && only !== undefined;
  const heading =
    path !== undefined
      ? `Recommended: ${pathFacts[path].name}`
      : alone
        ? `Not recommended: ${pathFacts[only.path].name}. Any fidelity failure → Envoy`
        : "Recommended: none of these";
  const hint = alone
    ? "<p>Only this path was measured. <code>npm run verify -- --all-paths</code> measures every one.</p>"
    : "";
  const list = others
    .map(
      (other) => `<li><b>${escape(pathFacts[other.path].name)}</b> ${escape(other.because)}</li>`,
    )
    .join("");
  return `<section class="recommendation">
<h2>${escape(heading)}</h2>
<p class="because">${escape(because)}</p>
${list === "" ? "" : `<ul>${list}</ul>`}
${hint}
<h3>By these rules, in this order</h3>
<ol>${rules.map((rule) => `<li>${escape(rule)}</li>`).join("")}</ol>
</section>`;
}

function footer(reports: readonly Report[]): string {
  const rows = reports
    .map(({ path, stack, measuredAt, versions, view }) => {
      const parts = Object.entries(versions)
        .map(([part, version]) => `${part} ${version}`)
        .join(" · ");
      const how =
        view === "both-sides"
          ? "both ends compared, against a stand-in for the API that records every byte"
          : "the client's side, against the real API";
      return `<li><b>${escape(pathFacts[path].name)}</b> stack ${escape(stack)}, ${escape(measuredAt.replace("T", " ").slice(0, 16))} UTC, ${how}<br><code>${escape(parts)}</code></li>`;
    })
    .join("\n");
  return `<footer><h2>How this was measured</h2><ul>${rows}</ul></footer>`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
