import type { SubjectName } from "./subjects/subject.ts";

/** What is measured of a subject, for several sizes. */
export type Kind =
  /** Before any traffic. */
  | "rest"
  /** Requests one after another on each of `size` connections. */
  | "load"
  /** The same, with a new connection for each request. */
  | "new-connections"
  /** As `load` with streams, up to their first frame. */
  | "first-frame"
  /** Streams of `size` events, one after another on one connection, up to their end. */
  | "events"
  /** `load` on one connection, while the gateway knows `size` agents. */
  | "agents"
  /** The same on {@link BUSY_CONNECTIONS} connections. */
  | "agents-busy"
  /** `load` on one connection, while another agent floods the gateway on `size` connections; 0: while no one does. */
  | "flood"
  /** The same with streams of {@link SLOW_ANSWER}, up to their end. */
  | "flood-slow"
  /** `size` streams that are open at the same time. */
  | "streams";

/** An answer that takes about as long as a short one of a model. */
export const SLOW_ANSWER = { events: 11, everyMs: 100 };

/** Connections of `agents-busy`. */
export const BUSY_CONNECTIONS = 16;

/** The names of all figures. Each name contains the unit. */
export type Figure =
  | "requestsPerSecond"
  | "p50Ms"
  | "p99Ms"
  /** CPU use, as a fraction of one CPU. */
  | "pathCpu"
  | "loadCpu"
  | "upstreamCpu"
  /** CPU time of all CPUs that the hypervisor gave to other machines, as a fraction of one CPU. */
  | "stolenCpu"
  /** CPU time of the path per request. */
  | "pathCpuMs"
  | "held"
  | "rssMb"
  // Relative to another subject in the same round:
  | "addedP50Ms"
  | "addedP99Ms"
  | "shareOfDirect";

/** One measurement. */
export interface Sample {
  readonly subject: SubjectName;
  readonly round: number;
  readonly kind: Kind;
  /** Number of connections, events, agents or streams, see {@link Kind}; 0 for `rest`. */
  readonly size: number;
  readonly figures: Partial<Record<Figure, number>>;
  /** What failed. The figures then cover only what succeeded. */
  readonly problem?: string;
}

/** A figure over all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and range of one or more numbers. */
export function spread(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Adds to each sample its figures relative to those of `direct` with the same round, kind and size. */
export function besideDirect(samples: readonly Sample[]): Sample[] {
  return samples.map((sample) => {
    const direct = samples.find(
      (other) =>
        other.subject === "direct" &&
        other.round === sample.round &&
        other.kind === sample.kind &&
        other.size === sample.size,
    );
    if (direct === undefined || sample.subject === "direct") return sample;
    const own = sample.figures;
    const figures: Partial<Record<Figure, number>> = { ...own };
    const { p50Ms, p99Ms, requestsPerSecond } = direct.figures;
    if (own.p50Ms !== undefined && p50Ms !== undefined) figures.addedP50Ms = own.p50Ms - p50Ms;
    if (own.p99Ms !== undefined && p99Ms !== undefined) figures.addedP99Ms = own.p99Ms - p99Ms;
    if (own.requestsPerSecond !== undefined && requestsPerSecond !== undefined) {
      figures.shareOfDirect = own.requestsPerSecond / requestsPerSecond;
    }
    return { ...sample, figures };
  });
}

/** All samples of one subject, kind and size. */
export function samplesOf(
  samples: readonly Sample[],
  subject: SubjectName,
  kind: Kind,
  size: number,
): Sample[] {
  return samples.filter((s) => s.subject === subject && s.kind === kind && s.size === size);
}

/** A figure over all rounds; undefined if it was not measured. */
export function over(
  samples: readonly Sample[],
  subject: SubjectName,
  kind: Kind,
  size: number,
  figure: Figure,
): Spread | undefined {
  const numbers = samplesOf(samples, subject, kind, size).flatMap(
    ({ figures }) => figures[figure] ?? [],
  );
  return numbers.length === 0 ? undefined : spread(numbers);
}
