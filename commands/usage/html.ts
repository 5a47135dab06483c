import { escapeXml } from "../../test/bench/report/plot.ts";
import { type ChartSize, renderChart, type Slice, slices } from "./chart.ts";
import { STYLE } from "./html-style.ts";
import {
  budgetOwner,
  count,
  dollarCell,
  dollars,
  left,
  total,
  totalCost,
  type UsageBudget,
  type UsageDay,
  type UsageReport,
  windowName,
} from "./report.ts";
import { notes } from "./terminal.ts";

/** One drawing for wide screens and one for phones, so that the text has the same size on both. */
const WIDE: ChartSize = { width: 1080, height: 320, days: 30 };
const NARROW: ChartSize = { width: 340, height: 240, days: 10 };

/** The report as one self-contained page, for people who do not know the project. */
export function renderHtml(report: UsageReport, warnings: readonly string[], today: Date): string {
  const { stack, days, budgets } = report;
  const title = `What the agents of ${stack} spend`;
  const agents = slices(days);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">Usage · ${today.toISOString().slice(0, 16).replace("T", " ")} UTC</p>
<h1>${escapeXml(title)}</h1>
<p class="lead">AI agents (Claude Code) work unattended here. Every request to Anthropic's API passes a gateway, which counts its tokens and their price.</p>
${warnings.map((warning) => `<p class="warning">${escapeXml(warning)}</p>`).join("\n")}
${figures(days, today)}
</header>
${chart(agents, today)}
${budgetList(budgets)}
${table(days)}
</main>
</body>
</html>
`;
}

function figures(days: readonly UsageDay[], today: Date): string {
  const date = today.toISOString().slice(0, 10);
  const refused = total(days, ({ refused }) => refused);
  const figure = (value: string, what: string) =>
    `<div class="figure"><b>${value}</b><span>${what}</span></div>`;
  return `<div class="figures">
${figure(dollars(totalCost(days.filter((day) => day.date === date))), "today (UTC)")}
${figure(dollars(totalCost(days)), "in 90 days")}
${figure(count(total(days, ({ requests }) => requests)), "requests in 90 days")}
${figure(count(refused), "of them refused by a budget")}
</div>`;
}

function chart(agents: readonly Slice[], today: Date): string {
  if (agents.length === 0) return "<p>Nothing was recorded in the last 90 days.</p>";
  const legend = agents
    .map(({ name, color, days }) => {
      const cost = dollars(totalCost(days));
      return `<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="3" class="${color}"/></svg>${escapeXml(name)} <span>${cost}</span></li>`;
    })
    .join("");
  return `<section>
<h2>Cost per day</h2>
<figure>
<div class="at-wide">${renderChart(agents, today, WIDE)}</div>
<div class="at-narrow">${renderChart(agents, today, NARROW)}</div>
<figcaption><ul class="legend">${legend}</ul></figcaption>
</figure>
<p class="quiet"><span class="at-wide">The last 30 days.</span><span class="at-narrow">The last 10 days.</span> The legend has each agent's sum of 90 days.</p>
</section>`;
}

function budgetList(budgets: readonly UsageBudget[]): string {
  if (budgets.length === 0) return "";
  return `<section>
<h2>Budgets</h2>
<ul class="budgets">
${budgets.map(budgetItem).join("\n")}
</ul>
<p class="quiet">A day ends at midnight UTC. A window of 30 days is counted from 1970-01-01. Who has spent a budget is refused until its window ends.</p>
</section>`;
}

function budgetItem(budget: UsageBudget): string {
  const { agent, window, limit, spent } = budget;
  const share = limit === 0 ? 1 : Math.min(1, spent / limit);
  const state = spent >= limit ? "spent" : share >= 0.8 ? "close" : "open";
  const rest = state === "spent" ? "used up" : `${dollars(left(budget))} left`;
  return `<li class="${state}">
<div><b>${escapeXml(budgetOwner(agent))}</b> <span>${windowName(window)}</span></div>
<svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${Math.round(share * 100)} percent spent"><rect width="100" height="8" class="ground"/><rect width="${Math.round(share * 1000) / 10}" height="8" class="fill"/></svg>
<div><span>${dollars(spent)} of ${dollars(limit)}</span> <b>${rest}</b></div>
</li>`;
}

const HEAD = [
  ...["Day (UTC)", "Agent", "Model", "Cost", "Requests", "Refused"],
  ...["Input", "Output", "Cache read", "Written 5 min", "Written 1 h"],
];

function table(days: readonly UsageDay[]): string {
  if (days.length === 0) return "";
  const rows = [...days].reverse().map((day) => {
    const { date, agent, model, requests, refused, tokens, cost } = day;
    const numbers = [
      ...[requests, refused, tokens.input, tokens.output],
      ...[tokens.cacheRead, tokens.cacheWrite5m, tokens.cacheWrite1h],
    ];
    const texts = [agent, model].map((text) => `<td class="text">${escapeXml(text)}</td>`);
    const cells = [dollarCell(cost), ...numbers.map(count)].map((text) => `<td>${text}</td>`);
    return `<tr><th scope="row">${date}</th>${[...texts, ...cells].join("")}</tr>`;
  });
  return `<section>
<h2>By day, agent and model</h2>
${notes(days)
  .map((note) => `<p class="quiet">${note}</p>`)
  .join("\n")}
<div class="wide" tabindex="0" role="region" aria-label="By day, agent and model"><table>
<thead><tr>${HEAD.map((name, index) => `<th scope="col"${index < 3 ? ' class="text"' : ""}>${name}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>
<p class="quiet">Tokens: input without a cache, output, read from the cache, and written to it for 5 minutes or 1 hour.</p>
</section>`;
}
