/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly color: string;
  /** Sorted by x. `low` and `high` are drawn as a bar through the point. */
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly low: number;
    readonly high: number;
  }[];
}

/** A plot of lines. */
export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  /** `even`: evenly spaced, whatever the values are. `linear`: on a scale that begins at 0. */
  readonly x: "even" | "linear";
  /** By powers of ten, for figures of very different sizes. */
  readonly scale: "linear" | "log";
  readonly series: readonly Series[];
}

/** Size of one plot, in the units of its viewBox. */
export const PLOT = { width: 476, height: 320 } as const;

const AREA = { left: 52, right: 122, top: 40, bottom: 44 } as const;
const LABEL_HEIGHT = 15;

/** Draws a plot as the content of an SVG. Its text has the color of the surrounding text. */
export function renderPlot(plot: Plot): string {
  const xs = [...new Set(plot.series.flatMap(({ points }) => points.map(({ x }) => x)))].sort(
    (a, b) => a - b,
  );
  const ys = plot.series.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const scale = plot.scale === "log" ? logScale(ys) : linearScale(ys);
  const x = (value: number) =>
    AREA.left +
    width *
      (plot.x === "linear"
        ? value / Math.max(...xs, 1)
        : xs.indexOf(value) / Math.max(xs.length - 1, 1));
  const y = (value: number) => AREA.top + (1 - scale.at(value)) * height;
  return [
    text(0, 18, plot.title, 'font-weight="600" font-size="15"'),
    ...scale.ticks.map((tick) => gridLine(y(tick), tickText(tick))),
    ...xs.map((value) => text(x(value), AREA.top + height + 18, String(value), MIDDLE)),
    text(AREA.left + width / 2, PLOT.height - 6, plot.xLabel, MIDDLE),
    ...plot.series.map((series) => line(series, x, y)),
    ...endLabels(plot.series, y),
  ].join("\n");
}

const width = PLOT.width - AREA.left - AREA.right;
const height = PLOT.height - AREA.top - AREA.bottom;
const MIDDLE = 'text-anchor="middle"';

interface Scale {
  /** 0 at the bottom, 1 at the top. */
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** From the power of ten below the least value to the one above the greatest. */
export function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const from = Math.floor(Math.log10(Math.min(...positive)));
  const to = Math.max(Math.ceil(Math.log10(Math.max(...positive))), from + 1);
  const powers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return {
    at: (value) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from),
    // A negative power is written as text, because 10 ** -1 is not exactly 0.1 everywhere.
    ticks: powers.map((power) => (power < 0 ? Number(`1e${power}`) : 10 ** power)),
  };
}

/** From 0 to a round number above the largest value, in at most six steps. */
export function linearScale(values: readonly number[]): Scale {
  const most = Math.max(...values, 1);
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const step =
    [0.2, 0.5, 1, 2].map((factor) => factor * magnitude).find((size) => most / size <= 6) ??
    5 * magnitude;
  const count = Math.ceil(most / step);
  return {
    at: (value) => value / (count * step),
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6))),
  };
}

function tickText(tick: number): string {
  return tick >= 10_000 ? `${tick / 1000}k` : String(tick);
}

function gridLine(y: number, label: string): string {
  const to = AREA.left + width;
  return (
    `<line x1="${AREA.left}" y1="${round(y)}" x2="${to}" y2="${round(y)}" stroke="currentColor" stroke-opacity=".15"/>` +
    text(AREA.left - 8, y + 4, label, 'text-anchor="end"')
  );
}

function line({ points, color }: Series, x: (v: number) => number, y: (v: number) => number) {
  const path = points.map((point) => `${round(x(point.x))},${round(y(point.y))}`).join(" ");
  const marks = points.map((point) => {
    const at = round(x(point.x));
    const range = `<line x1="${at}" y1="${round(y(point.low))}" x2="${at}" y2="${round(y(point.high))}" stroke="${color}" stroke-opacity=".6"/>`;
    return `${range}<circle cx="${at}" cy="${round(y(point.y))}" r="3.5" fill="${color}"/>`;
  });
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${marks.join("")}`;
}

/** The names at the ends of the lines, moved apart so that they do not overlap. */
function endLabels(series: readonly Series[], y: (value: number) => number): string[] {
  const ends = series
    .flatMap(({ name, color, points }) => {
      const last = points.at(-1);
      return last === undefined ? [] : [{ name, color, y: y(last.y) }];
    })
    .sort((a, b) => a.y - b.y);
  let free = -Infinity;
  return ends.map((end) => {
    const at = Math.max(end.y, free);
    free = at + LABEL_HEIGHT;
    return text(AREA.left + width + 10, at + 4, end.name, `fill="${end.color}" font-weight="600"`);
  });
}

function text(x: number, y: number, content: string, attributes: string): string {
  const fill = attributes.includes("fill=") ? "" : ' fill="currentColor"';
  return `<text x="${round(x)}" y="${round(y)}"${fill} ${attributes}>${escapeXml(content)}</text>`;
}

/** Escapes a text for XML and HTML. */
export function escapeXml(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
