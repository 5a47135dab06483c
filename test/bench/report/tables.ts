import { actions, type ProgramResult, rows } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import {
  BUSY_CONNECTIONS,
  type Figure,
  type Kind,
  over,
  samplesOf,
  type Spread,
} from "../relay/samples.ts";
import { type SubjectName, subjectTitles } from "../relay/subjects/subject.ts";

/** A table of texts, for both the terminal and the page. */
export interface Table {
  readonly title: string;
  /** What a reader must know to understand it. */
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What the paths cost. */
export function relayTables(result: RelayResult): Table[] {
  const figures = [latency(result), throughput(result), streams(result), agents(result)];
  return [...figures, problems(result), legend(result)].filter(({ rows }) => rows.length > 0);
}

function legend({ subjects }: RelayResult): Table {
  return {
    title: "What runs between agent and API",
    head: ["", "with production settings, as processes on loopback"],
    rows: subjects.map((subject) => [subject, subjectTitles[subject]]),
  };
}

function latency(result: RelayResult): Table {
  const { connections: sizes, events } = result.extent;
  return {
    title: "Latency of a request (ms), with one request after another on each connection",
    note: "p50 / p99, medians over the rounds; in brackets the range of the p50. First frame and events: of a stream, with one connection, up to its first frame and up to its end. Added: p50 minus that of direct.",
    head: [
      ...["", ...sizes.map(connections), "first frame", ...events.map((n) => `${n} events`)],
      ...["added at 1", "added, first frame", ...events.map((n) => `added, ${n} events`)],
    ],
    rows: result.subjects.map((subject) => {
      const at = reader(result, subject);
      const both = (kind: Kind, size: number) => {
        const [p50, p99] = [at(kind, size, "p50Ms"), at(kind, size, "p99Ms")];
        if (p50 === undefined || p99 === undefined) return "–";
        const range = `(${digits(p50.min)}–${digits(p50.max)})`;
        return `${digits(p50.median)} / ${digits(p99.median)} ${range}`;
      };
      const added = (kind: Kind, size = 1) => plain(at(kind, size, "addedP50Ms"));
      return [
        ...[subject, ...sizes.map((size) => both("load", size)), both("first-frame", 1)],
        ...events.map((size) => both("events", size)),
        ...[added("load"), added("first-frame"), ...events.map((size) => added("events", size))],
      ];
    }),
  };
}

function throughput(result: RelayResult): Table {
  const sizes = result.extent.connections;
  const several = sizes.filter((size) => size > 1);
  const stolen = Math.max(...result.samples.map(({ figures }) => figures.stolenCpu ?? 0));
  return {
    title: "Requests per second, and CPU use",
    note: `Share of direct: median over the rounds. CPU, as a fraction of one CPU: path + load generator + upstream, with the most connections; the hypervisor took at most ${percent(stolen)} of one CPU. CPU per request: of the path.`,
    head: ["", ...sizes.map(connections), ...several.map((n) => `share of direct at ${n}`)].concat([
      "CPU",
      "CPU a request",
    ]),
    rows: result.subjects.map((subject) => {
      const at = reader(result, subject);
      const most = Math.max(...sizes);
      const cpu = (["pathCpu", "loadCpu", "upstreamCpu"] as const).map((figure) =>
        Math.round((at("load", most, figure)?.median ?? 0) * 100),
      );
      const perRequest = at("load", most, "pathCpuMs")?.median;
      return [
        subject,
        ...sizes.map((size) => ranged(at("load", size, "requestsPerSecond"))),
        ...several.map((size) => percent(at("load", size, "shareOfDirect")?.median)),
        `${cpu.join(" + ")} %`,
        subject === "direct" || perRequest === undefined ? "–" : `${digits(perRequest)} ms`,
      ];
    }),
  };
}

function streams(result: RelayResult): Table {
  const sizes = result.extent.streams;
  return {
    title: "Open streams, one frame per 0.5 s, in every second round",
    note: "Delay: from the upstream's write to the client's read, p50 / p99 in ms. Memory: resident, of all processes of the path, maximum over the rounds.",
    head: ["", "idle memory", ...sizes.flatMap((n) => [`open of ${n}`, "delay", "memory", "CPU"])],
    rows: result.subjects.map((subject) => {
      const at = reader(result, subject);
      const memory = (kind: Kind, size: number) =>
        subject === "direct" ? "–" : withUnit(at(kind, size, "rssMb")?.max, "MB");
      return [
        subject,
        memory("rest", 0),
        ...sizes.flatMap((size) => [
          String(at("streams", size, "held")?.min ?? "–"),
          `${plain(at("streams", size, "p50Ms"))} / ${plain(at("streams", size, "p99Ms"))}`,
          memory("streams", size),
          subject === "direct" ? "–" : percent(at("streams", size, "pathCpu")?.median),
        ]),
      ];
    }),
  };
}

/** How a subject's figures grow with the number of agents that it knows. */
function agents(result: RelayResult): Table {
  const sizes = result.extent.agents;
  const kinds = { agents: 1, "agents-busy": BUSY_CONNECTIONS } as const;
  const measured = result.subjects.filter(
    (subject) => samplesOf(result.samples, subject, "agents", Math.max(...sizes)).length > 0,
  );
  return {
    title: "A request's latency and CPU use, by the number of agents",
    note: "p50 in ms, and CPU time of the path per request, medians over the rounds.",
    head: ["", ...sizes.flatMap((size) => [`${size} agents`, "CPU a request"])],
    rows: measured.flatMap((subject) =>
      (Object.keys(kinds) as (keyof typeof kinds)[]).map((kind) => {
        const at = reader(result, subject);
        return [
          `${subject}, ${connections(kinds[kind])}`,
          ...sizes.flatMap((size) => {
            const cpu = at(kind, size, "pathCpuMs")?.median;
            return [ranged(at(kind, size, "p50Ms")), cpu === undefined ? "–" : `${digits(cpu)} ms`];
          }),
        ];
      }),
    ),
  };
}

/** All failures, each once, so that no figure hides one. */
export function problems({ samples }: RelayResult): Table {
  const lines = samples.flatMap(({ subject, kind, size, round, problem }) =>
    problem === undefined ? [] : [[subject, `${kind} ${size}, round ${round}`, problem]],
  );
  return { title: "Failures", head: ["", "where", "what"], rows: lines };
}

/** What the commands themselves cost. */
export function programTables(result: ProgramResult): Table[] {
  const all = rows(result);
  const stacks = [...new Set(all.map(({ stack, agents }) => nameOf(stack, agents)))];
  return [
    {
      title: "The commands (s)",
      note: "Medians; in brackets the range, if there were several runs. On the embedded cluster.",
      head: ["", ...stacks],
      rows: (Object.keys(actions) as (keyof typeof actions)[])
        .filter((action) => all.some((row) => row.action === action))
        .map((action) => [
          actions[action],
          ...stacks.map((stack) => {
            const row = all.find((r) => r.action === action && nameOf(r.stack, r.agents) === stack);
            return row === undefined ? "" : ranged(row.seconds);
          }),
        ]),
    },
  ];
}

function nameOf(stack: string, agents: number): string {
  return agents > 1 ? `${stack}, ${agents} agents` : stack;
}

function reader({ samples }: RelayResult, subject: SubjectName) {
  return (kind: Kind, size: number, figure: Figure) => over(samples, subject, kind, size, figure);
}

function connections(count: number): string {
  return count === 1 ? "1 connection" : `${count} connections`;
}

/** A median with its range. */
export function ranged(figure: Spread | undefined): string {
  if (figure === undefined) return "–";
  const { median, min, max } = figure;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function plain(figure: Spread | undefined): string {
  return figure === undefined ? "–" : digits(figure.median);
}

function withUnit(figure: number | undefined, unit: string): string {
  return figure === undefined ? "–" : `${digits(figure)} ${unit}`;
}

function percent(share: number | undefined): string {
  return share === undefined ? "–" : `${Math.round(share * 100)} %`;
}

/** Three significant digits. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 10 ? 1 : 2);
}
