import type { SubjectName } from "./subjects/subject.ts";

/** What is measured of a subject, at each of several sizes. */
export type Kind =
  /** Nothing is sent yet. */
  | "rest"
  /** Requests one after the other over each of `size` connections. */
  | "load"
  /** The same for streams, to their first frame. */
  | "first-frame"
  /** `size` streams that are held open at a time. */
  | "streams";

/** The names of all figures; each has its unit in it. */
export type Figure =
  | "requestsPerSecond"
  | "p50Ms"
  | "p99Ms"
  /** CPUs that were busy with it, as a share of one. */
  | "pathCpu"
  | "loadCpu"
  | "upstreamCpu"
  /** Of all CPUs together, what the hypervisor gave to other machines, as a share of one. */
  | "stolenCpu"
  /** CPU time of the path a request. */
  | "pathCpuMs"
  | "held"
  | "rssMb"
  // Against another subject in the same round:
  | "addedP50Ms"
  | "addedP99Ms"
  | "shareOfDirect";

/** One measurement. */
export interface Sample {
  readonly subject: SubjectName;
  readonly round: number;
  readonly kind: Kind;
  /** Connections, or streams; 0 at rest. */
  readonly size: number;
  readonly figures: Partial<Record<Figure, number>>;
  /** What went wrong; figures are then of what went right. */
  readonly problem?: string;
}

/** A figure over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median and range of numbers, at least one. */
export function spread(numbers: readonly number[]): Spread {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** Adds to each sample what it means beside direct's of the same round, kind and size. */
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

/** A figure over the rounds; undefined where it was not measured. */
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
