import { rows, type ProgramResult } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import { BUSY_CONNECTIONS, type Figure, type Kind, over } from "../relay/samples.ts";
import type { SubjectName } from "../relay/subjects/subject.ts";
import { type Plot, PLOT, renderPlot, type Series } from "./plot.ts";
import type { Report } from "./report.ts";

/** Colors that are readable on white and black and for color-blind readers. Each line also has its name at its end. */
const COLORS = {
  direct: "#6b7280",
  "envoy-bare": "#94a3b8",
  "envoy-sni": "#2a9d8f",
  "envoy-unmetered": "#5eaaa8",
  envoy: "#0f766e",
  "envoy-budgets": "#1d4ed8",
  litellm: "#d97706",
  shim: "#b45309",
  "shim-apart": "#92400e",
  portkey: "#7c3aed",
} satisfies Partial<Record<SubjectName, string>>;

/** The plots are of the paths. The subjects with lists of hosts are only in a table. */
function colorOf(subject: SubjectName): string {
  return (COLORS as Partial<Record<SubjectName, string>>)[subject] ?? COLORS.direct;
}

/** How the figures grow: one plot per question. */
export function growthPlots({ relay, program }: Report): Plot[] {
  return [
    ...(relay === undefined ? [] : relayPlots(relay)),
    ...(program === undefined ? [] : agentsPlots(program)),
  ].filter(({ series }) => series.some(({ points }) => points.length > 1));
}

const STREAMS = "open streams";

function relayPlots(result: RelayResult): Plot[] {
  const { connections, streams } = result.extent;
  const plot = (
    title: string,
    xLabel: string,
    scale: Plot["scale"],
    points: readonly (readonly [Kind, number])[],
    figure: Figure,
  ): Plot => ({
    ...{ title, xLabel, scale, x: xLabel === STREAMS ? "linear" : "even" },
    series: result.subjects.map((subject) => seriesOf(result, subject, points, figure)),
  });
  const loads = connections.map((size) => ["load", size] as const);
  const held = streams.map((size) => ["streams", size] as const);
  const memory = plot(
    ...(["Memory, MB", STREAMS, "linear"] as const),
    [["rest", 0], ...held],
    "rssMb",
  );
  return [
    plot("Latency of a request, p50, ms", "connections", "log", loads, "p50Ms"),
    { ...memory, series: memory.series.filter(({ name }) => name !== "direct") },
    plot("Requests a second", "connections", "log", loads, "requestsPerSecond"),
    plot("Delay of a frame, p99, ms", STREAMS, "log", held, "p99Ms"),
    knownAgents(result),
  ];
}

/** The latency by the number of agents that the gateway knows, one line for each number of connections. */
function knownAgents(result: RelayResult): Plot {
  const line = (kind: Kind, subject: SubjectName, name: string): Series => ({
    ...seriesOf(
      ...([result, subject, result.extent.agents.map((size) => [kind, size] as const)] as const),
      "p50Ms",
    ),
    name,
  });
  return {
    ...{
      title: "Latency of a request to envoy, p50, ms",
      xLabel: "agents",
      x: "even",
      scale: "log",
    },
    series: [
      line("agents", "envoy", "1 connection"),
      line("agents-busy", "envoy", `${BUSY_CONNECTIONS} connections`),
    ],
  };
}

function seriesOf(
  result: RelayResult,
  subject: SubjectName,
  points: readonly (readonly [Kind, number])[],
  figure: Figure,
): Series {
  return {
    name: subject,
    color: colorOf(subject),
    points: points.flatMap(([kind, size]) => {
      const found = over(result.samples, subject, kind, size, figure);
      if (found === undefined) return [];
      return [{ x: size, y: found.median, low: found.min, high: found.max }];
    }),
  };
}

function agentsPlots(result: ProgramResult): Plot[] {
  const points = rows(result)
    .filter(({ action, stack }) => action === "up" && stack === "envoy")
    .sort((a, b) => a.agents - b.agents)
    .map(({ agents, seconds }) => ({
      ...{ x: agents, y: seconds.median, low: seconds.min, high: seconds.max },
    }));
  const series = [{ name: "envoy", color: COLORS.envoy, points }];
  return [
    { title: "pulumi up from nothing, s", xLabel: "agents", x: "linear", scale: "linear", series },
  ];
}

const FONT = `font-family="system-ui, sans-serif" font-size="13"`;

/** One plot as an SVG. */
export function plotSvg(plot: Plot): string {
  const { width, height } = PLOT;
  return `<svg viewBox="0 0 ${width} ${height}" ${FONT} role="img">\n${renderPlot(plot)}\n</svg>`;
}

/** The first plots next to each other, as a file for a README. */
export function overviewSvg(report: Report, count = 2): string {
  const plots = growthPlots(report).slice(0, count);
  const gap = 30;
  const margin = 16;
  const width = plots.length * (PLOT.width + gap) - gap + 2 * margin;
  const height = PLOT.height + 2 * margin;
  const placed = plots.map(
    (plot, index) =>
      `<g transform="translate(${margin + index * (PLOT.width + gap)} ${margin})">\n${renderPlot(plot)}\n</g>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ${FONT} color="#1f2328">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...placed,
    "</svg>\n",
  ].join("\n");
}
