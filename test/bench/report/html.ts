import { hostsTables } from "./hosts.ts";
import { growthPlots, plotSvg } from "./growth.ts";
import { escapeXml } from "./plot.ts";
import { floodTable } from "./flood.ts";
import type { Report } from "./report.ts";
import { programTables, relayTables, type Table } from "./tables.ts";
import type { Target } from "./target.ts";
import { circumstances } from "./terminal.ts";

/** The report as one self-contained page, for narrow and wide screens. */
export function renderHtml(report: Report): string {
  const tables = [
    ...(report.relay === undefined ? [] : relayTables(report.relay)),
    ...(report.program === undefined ? [] : programTables(report.program)),
    ...(report.hosts === undefined ? [] : hostsTables(report.hosts)),
    ...(report.flood === undefined ? [] : [floodTable(report.flood)]),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What each path costs</title>
<style>${STYLE}</style>
<main>
<h1>What each path costs</h1>
${circumstances(report)
  .map((line) => `<p class="quiet">${escapeXml(line)}</p>`)
  .join("\n")}
${targetList(report.targets)}
<div class="plots">
${growthPlots(report)
  .map((plot) => `<figure>${plotSvg(plot)}</figure>`)
  .join("\n")}
</div>
${tables.map(htmlTable).join("\n")}
</main>
</html>
`;
}

function targetList(targets: readonly Target[]): string {
  if (targets.length === 0) return "";
  const items = targets.map(({ met, title, limit, measured, bound }) => {
    const why = bound === undefined ? "" : `<br><small>Bound: ${escapeXml(bound)}</small>`;
    const sign = met ? "✓ met" : "✗ missed";
    return `<li class="${met ? "met" : "missed"}"><b>${sign}</b> ${escapeXml(title)}: ${escapeXml(measured)}, target ${escapeXml(limit)}${why}</li>`;
  });
  return `<h2>Targets</h2>\n<ul class="targets">\n${items.join("\n")}\n</ul>`;
}

function htmlTable({ title, note, head, rows }: Table): string {
  const cells = (tag: "th" | "td", row: readonly string[]) =>
    row
      .map((cell, index) => {
        const name = index === 0 ? "th" : tag;
        return `<${name}>${escapeXml(cell)}</${name}>`;
      })
      .join("");
  return `<h2>${escapeXml(title)}</h2>
${note === undefined ? "" : `<p class="quiet">${escapeXml(note)}</p>`}
<div class="wide"><table>
<thead><tr>${cells("th", head)}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}
</tbody></table></div>`;
}

/** A table wider than the screen scrolls under its first column, which stays in place. */
const STYLE = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1f2328; --quiet: #5c646d; --line: #e4e1db; --met: #17694a; --missed: #a3211b; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181b; --card: #1e2125; --ink: #e8e6e3; --quiet: #9ba3ab; --line: #33373c; --met: #79d3ab; --missed: #ff9b94; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 40px 16px 64px; }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; margin: 0 0 12px; }
h2 { font-size: 1.2rem; margin: 40px 0 6px; }
.quiet { color: var(--quiet); margin: 2px 0; font-size: .92rem; overflow-wrap: anywhere; }
.targets { list-style: none; padding: 0; margin: 8px 0; } .targets li { padding: 6px 0; border-top: 1px solid var(--line); }
.met b { color: var(--met); } .missed b { color: var(--missed); } small { color: var(--quiet); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; margin-top: 32px; }
figure { margin: 0; padding: 14px; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px; margin-top: 10px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
`;
