import { actions, type ProgramResult, rows } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import { type Figure, type Kind, over, type Spread } from "../relay/samples.ts";
import { type SubjectName, subjectTitles } from "../relay/subjects/subject.ts";

/** A table in words, for the terminal and the page alike. */
export interface Table {
  readonly title: string;
  /** What a person must know to read it. */
  readonly note?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What the paths cost. */
export function relayTables(result: RelayResult): Table[] {
  const figures = [latency(result), throughput(result), streams(result)];
  return [...figures, problems(result), legend(result)].filter(({ rows }) => rows.length > 0);
}

function legend({ subjects }: RelayResult): Table {
  return {
    title: "What lies between agent and API",
    head: ["", "as rendered for production, by its own process on loopback"],
    rows: subjects.map((subject) => [subject, subjectTitles[subject]]),
  };
}

function latency(result: RelayResult): Table {
  const sizes = result.extent.connections;
  return {
    title: "Latency of a request (ms), one after the other over each connection",
    note: "p50 / p99, medians over the rounds; in brackets the p50's range. First frame: of a stream, at one connection. Added: p50 to direct's.",
    head: ["", ...sizes.map(connections), "first frame", "added at 1", "added, first frame"],
    rows: result.subjects.map((subject) => {
      const at = reader(result, subject);
      const both = (kind: Kind, size: number) => {
        const [p50, p99] = [at(kind, size, "p50Ms"), at(kind, size, "p99Ms")];
        if (p50 === undefined || p99 === undefined) return "–";
        const range = `(${digits(p50.min)}–${digits(p50.max)})`;
        return `${digits(p50.median)} / ${digits(p99.median)} ${range}`;
      };
      const added = (kind: Kind) => plain(at(kind, 1, "addedP50Ms"));
      return [
        ...[subject, ...sizes.map((size) => both("load", size)), both("first-frame", 1)],
        ...[added("load"), added("first-frame")],
      ];
    }),
  };
}

function throughput(result: RelayResult): Table {
  const sizes = result.extent.connections;
  const several = sizes.filter((size) => size > 1);
  const stolen = Math.max(...result.samples.map(({ figures }) => figures.stolenCpu ?? 0));
  return {
    title: "Requests a second, and who is busy with them",
    note: `Of direct's: medians of the rounds' ratios. CPU, as a share of one: path + load generator + upstream, at the most connections; the hypervisor took at most ${percent(stolen)} of one. CPU a request: of the path.`,
    head: ["", ...sizes.map(connections), ...several.map((n) => `of direct's at ${n}`)].concat([
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
    title: "Streams held, one frame each 0.5 s, in every other round",
    note: "Delay: from the upstream's write to the client's read, p50 / p99 in ms. Memory: resident, of all processes of the path, the most of all rounds.",
    head: [
      "",
      "memory at rest",
      ...sizes.flatMap((n) => [`held of ${n}`, "delay", "memory", "CPU"]),
    ],
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

/** What went wrong, each thing once, so that no figure hides it. */
function problems({ samples }: RelayResult): Table {
  const lines = samples.flatMap(({ subject, kind, size, round, problem }) =>
    problem === undefined ? [] : [[subject, `${kind} ${size}, round ${round}`, problem]],
  );
  return { title: "What went wrong", head: ["", "where", "what"], rows: lines };
}

/** What the program itself costs. */
export function programTables(result: ProgramResult): Table[] {
  const all = rows(result);
  const stacks = [...new Set(all.map(({ stack, agents }) => nameOf(stack, agents)))];
  return [
    {
      title: "The program (s)",
      note: "Medians; in brackets the range, where there was more than one try. On the embedded cluster.",
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

function ranged(figure: Spread | undefined): string {
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

/** Three digits that count, and no more than people read. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(size >= 10 ? 1 : 2);
}
