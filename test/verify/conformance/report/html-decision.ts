import { counted, decide, type Decision, marked, questions, tally } from "./decision.ts";
import { isUnknown, recommend, rules } from "./recommendation.ts";
import { openQuestions } from "./open-questions.ts";
import { escape } from "./html-parts.ts";
import { pathFacts } from "./path-facts.ts";
import type { Report } from "./report.ts";

/** The project's four original questions, with the answers. */
export function seedQuestions(reports: readonly Report[]): string {
  const decisions = reports.map(decide);
  const rows = questions
    .map(({ letter, title }) => {
      const cells = decisions
        .map(
          (decision) =>
            `<td data-path="${escape(pathFacts(decision.path).name)}">${answer(decision, letter)}</td>`,
        )
        .join("");
      return `<tr><th scope="row">${letter}. ${escape(title)}</th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>The four questions</h2>
<p>A half-hour trial of LiteLLM in April 2026 left four questions open. The checks above answer them.</p>
<table class="glance"><thead><tr><td></td>${decisions.map(({ path }) => `<th scope="col">${escape(pathFacts(path).name)}</th>`).join("")}</tr></thead><tbody>
${rows}
</tbody></table>
</section>`;
}

function answer({ answers }: Decision, letter: string): string {
  const { kept, lost, failed, measured, open } = answers[letter] ?? tally([]);
  if (measured === 0) return `<span class="share skipped">not measured</span>`;
  if (open > 0 && lost + failed === 0)
    return `<span class="share skipped"><b>Open</b> ${open} of ${open + measured} not run</span>`;
  const all = lost + failed === 0;
  const kind = all ? "pass" : failed > 0 ? "fail" : "known-loss";
  return `<span class="share ${kind}"><b>${all ? "Yes" : "No"}</b> ${all ? `${kept}/${measured}` : `${lost + failed} of ${measured} not`}</span>`;
}

/** The decision table. */
export function decisionTable(reports: readonly Report[]): string {
  const columns = [
    "AC 5 unblocks?",
    "Cost ceiling?",
    "Who holds the credential?",
    "Provider portability?",
    "Observability hook?",
    "Risk",
  ];
  const rows = reports
    .map(decide)
    .map((decision) => {
      const values = [
        decision.unblocksAc5,
        marked(decision, "costCeiling"),
        decision.credentialHolder,
        marked(decision, "portability"),
        marked(decision, "observability"),
        decision.risk,
      ];
      const cells = values
        .map(
          (value, index) => `<td data-label="${columns[index] ?? ""}">${strongStart(value)}</td>`,
        )
        .join("");
      return `<tr><th scope="row">${escape(pathFacts(decision.path).name)}<small>${escape(pathFacts(decision.path).chain)}</small></th>${cells}</tr>`;
    })
    .join("\n");
  return `<section>
<h2>The decision table</h2>
<p>The table from the trial, filled in. <em>AC 5</em> was the acceptance criterion that depended on it: agents reach the API only through the
gateway. It is unblocked if all four answers are yes.</p>
<table class="decision"><thead><tr><th scope="col">Path</th>${columns.map((column) => `<th scope="col">${column}</th>`).join("")}</tr></thead><tbody>
${rows}
</tbody></table>
</section>`;
}

/** Makes the answer before the colon bold, and a sentence of the rest. */
function strongStart(text: string): string {
  const [first = "", ...rest] = text.split(": ");
  const then = rest.join(": ");
  return rest.length === 0
    ? escape(text)
    : `<b>${escape(first)}</b> ${escape(then.charAt(0).toUpperCase() + then.slice(1))}`;
}

/** The recommendation in one line. */
export function headline(reports: readonly Report[]): string {
  const { path } = recommend(reports);
  const [only, ...more] = reports;
  if (path !== undefined) return `Recommended: ${pathFacts(path).name}`;
  const open = tally(reports.flatMap(({ checks }) => checks)).open;
  if (open > 0 && reports.every(isUnknown))
    return `Not known: ${counted(open, "check")} could not be run`;
  return only !== undefined && more.length === 0
    ? `Not recommended: ${pathFacts(only.path).name}. Any fidelity failure → Envoy`
    : "Recommended: none of these paths";
}

/** The answer of the first screen, in a word and a reason. */
export function answerBox(reports: readonly Report[]): string {
  const { path, because, others } = recommend(reports);
  const [only, ...more] = reports;
  const single = only !== undefined && more.length === 0;
  const unknown = path === undefined && reports.some(isUnknown);
  const [kind, word] =
    path !== undefined
      ? ["pass", single ? "Yes." : `Through ${pathFacts(path).name}.`]
      : unknown
        ? ["known-loss", "Not known."]
        : ["fail", single ? "No." : "Through none of these."];
  const why = unknown
    ? reports.flatMap(openQuestions).map((line) => line.replace(/^Not known: /, ""))
    : path === undefined && single
      ? others.map((other) => other.because)
      : [because];
  return `<section class="answer ${kind}">
<p><b>${escape(word)}</b> ${escape(why[0] ?? because)}</p>
${why
  .slice(1)
  .map((line) => `<p>${escape(line)}</p>`)
  .join("\n")}
<p><a href="#recommendation">How this is decided</a></p>
</section>`;
}

/** The recommendation and its rules. */
export function recommendation(reports: readonly Report[]): string {
  const { because, others } = recommend(reports);
  const hint =
    reports.length === 1
      ? "<p>Only this path was measured. <code>npm run verify -- --all-paths</code> measures every path.</p>"
      : "";
  const unknown = reports
    .flatMap(openQuestions)
    .map((line) => `<p>${escape(line)}</p>`)
    .join("\n");
  const list = others
    .map(
      (other) => `<li><b>${escape(pathFacts(other.path).name)}</b> ${escape(other.because)}</li>`,
    )
    .join("");
  return `<section class="recommendation" id="recommendation">
<h2>${escape(headline(reports))}</h2>
<p class="because">${escape(because)}</p>
${list === "" ? "" : `<ul>${list}</ul>`}
${hint}
${unknown}
<h3>The rules, in the order in which they apply</h3>
<ol>${rules.map((rule) => `<li>${escape(rule)}</li>`).join("")}</ol>
</section>`;
}
