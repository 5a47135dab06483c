import { type Check, type Theme, themeOf, themes } from "../checks/check.ts";
import { escape, SIGNS, WORDS } from "./html-parts.ts";
import { pathFacts } from "./path-facts.ts";
import { type CheckResult, differs, type Report } from "./report.ts";

/** Each check as a line that opens and shows why the check matters and what it found on each path. */
export function details(reports: readonly Report[], checks: readonly Check[]): string {
  const sections = (Object.keys(themes) as Theme[]).map((theme) => {
    const rows = checks
      .filter(({ id }) => themeOf(id) === theme)
      .map((check) => checkRow(check, reports))
      .join("\n");
    return rows === "" ? "" : `<h3 id="${theme}">${escape(themes[theme])}</h3>\n${rows}`;
  });
  return `<section>
<h2>Check by check</h2>
<p>Open a line to read why the check matters and what it found.</p>
${sections.join("\n")}
</section>`;
}

function checkRow(check: Check, reports: readonly Report[]): string {
  const results = reports.flatMap((report) => {
    const result = report.checks.find(({ id }) => id === check.id);
    return result === undefined ? [] : [{ report, result }];
  });
  if (results.length === 0) return "";
  const chips = reports.length > 1 ? grouped(results) : single(results[0]?.result);
  const evidence = results
    .map(
      ({
        report,
        result,
      }) => `<div class="seen"><dt>${escape(pathFacts(report.path).name)} <span class="chip ${kindOf(result)}">${SIGNS[result.status]} ${WORDS[result.status]}</span></dt>
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

/** An unexpected result is shown as a failure, whatever its status. */
function kindOf(result: CheckResult): string {
  return differs(result) ? "fail" : result.status;
}

/** The results by path. Paths to which the check does not apply are left out. */
function grouped(results: readonly { report: Report; result: CheckResult }[]): string {
  const kinds = new Map<string, { readonly sign: string; readonly names: string[] }>();
  for (const { report, result } of results) {
    if (result.status === "not-applicable") continue;
    const kind = kindOf(result);
    const group = kinds.get(kind) ?? { sign: SIGNS[result.status], names: [] };
    group.names.push(pathFacts(report.path).name);
    kinds.set(kind, group);
  }
  const keptBy = kinds.get("pass")?.names.length;
  if (keptBy === results.length) return '<span class="chip pass">✓ passed on every path</span>';
  return [...kinds]
    .map(
      ([kind, { sign, names }]) =>
        `<span class="chip ${kind}">${sign} ${escape(names.join(", "))}</span>`,
    )
    .join("");
}

function single(result: CheckResult | undefined): string {
  if (result === undefined) return "";
  return `<span class="chip ${kindOf(result)}">${SIGNS[result.status]} ${WORDS[result.status]}</span>`;
}
