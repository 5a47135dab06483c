import { escapeXml, linearScale } from "../../test/bench/report/plot.ts";
import { dollars, totalCost, type UsageDay } from "./report.ts";

/** Agents with a color of their own; the rest are drawn together. */
export const COLORED_AGENTS = 7;

/** An agent, or the rest of them, in the chart. */
export interface Slice {
  readonly name: string;
  /** Class that sets the color. */
  readonly color: string;
  readonly days: readonly UsageDay[];
}

/** Size of a chart, in the units of its viewBox, and the number of days in it. */
export interface ChartSize {
  readonly width: number;
  readonly height: number;
  readonly days: number;
}

const AREA = { left: 58, right: 4, top: 12, bottom: 26 } as const;
const DAY_MS = 86_400_000;

/** Agents by cost, the dearest first. */
export function slices(days: readonly UsageDay[]): Slice[] {
  const names = [...new Set(days.map(({ agent }) => agent))];
  const all = names
    .map((name) => ({ name, days: days.filter(({ agent }) => agent === name) }))
    .sort((one, other) => totalCost(other.days) - totalCost(one.days));
  const own = all.slice(0, COLORED_AGENTS).map((each, index) => ({ ...each, color: `a${index}` }));
  const rest = all.slice(COLORED_AGENTS);
  if (rest.length === 0) return own;
  const others = `${rest.length} other agent${rest.length === 1 ? "" : "s"}`;
  return [...own, { name: others, color: "rest", days: rest.flatMap(({ days }) => days) }];
}

/** Draws the cost of each day, stacked by agent, as an SVG. `today` is the last day. */
export function renderChart(agents: readonly Slice[], today: Date, size: ChartSize): string {
  const dates = Array.from({ length: size.days }, (_, index) =>
    new Date(today.getTime() - (size.days - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
  const stacks = dates.map((date) => ({
    date,
    parts: agents.map(({ name, color, days }) => ({
      name,
      color,
      cost: totalCost(days.filter((day) => day.date === date)),
    })),
  }));
  const sums = stacks.map(({ parts }) => parts.reduce((sum, { cost }) => sum + cost, 0));
  // In millionths of a dollar, because the scale ends at 1 or above.
  const scale = linearScale(sums.map((sum) => sum * 1e6));
  const width = size.width - AREA.left - AREA.right;
  const height = size.height - AREA.top - AREA.bottom;
  const y = (usd: number) => AREA.top + (1 - scale.at(usd * 1e6)) * height;
  const step = width / dates.length;
  const title = `Cost per day in US dollars, stacked by agent, from ${dates[0]} to ${dates.at(-1)}. The table below has the figures.`;
  return `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeXml(title)}">
${scale.ticks.map((tick) => gridLine(y(tick / 1e6), dollars(tick / 1e6), size.width)).join("\n")}
${stacks.map((stack, index) => bar(stack, AREA.left + index * step, step, y)).join("\n")}
${dayLabels(dates, step, size.height)}
</svg>`;
}

function gridLine(y: number, label: string, width: number): string {
  return (
    `<line x1="${AREA.left}" y1="${round(y)}" x2="${width - AREA.right}" y2="${round(y)}" class="grid"/>` +
    `<text x="${AREA.left - 8}" y="${round(y + 4)}" text-anchor="end">${escapeXml(label)}</text>`
  );
}

function bar(
  { date, parts }: { date: string; parts: { name: string; color: string; cost: number }[] },
  x: number,
  step: number,
  y: (usd: number) => number,
): string {
  let below = 0;
  return parts
    .filter(({ cost }) => cost > 0)
    .map(({ name, color, cost }) => {
      const [bottom, top] = [y(below), y(below + cost)];
      below += cost;
      const what = `${date}, ${name}: ${dollars(cost)}`;
      return `<rect x="${round(x + step * 0.14)}" y="${round(top)}" width="${round(step * 0.72)}" height="${round(bottom - top)}" class="${color}"><title>${escapeXml(what)}</title></rect>`;
    })
    .join("");
}

/** Every day if there is room, else some, and always the last. */
function dayLabels(dates: readonly string[], step: number, height: number): string {
  const every = Math.max(1, Math.ceil(44 / step));
  return dates
    .map((date, index) =>
      (dates.length - 1 - index) % every === 0
        ? `<text x="${round(AREA.left + (index + 0.5) * step)}" y="${height - 6}" text-anchor="middle">${date.slice(5)}</text>`
        : "",
    )
    .join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
