import { over, samplesOf, type Figure, type Kind, type Sample } from "../relay/samples.ts";
import { spread, type Spread } from "../relay/samples.ts";
import type { SubjectName } from "../relay/subjects/subject.ts";

/** A goal of the project, and whether this run reached it. */
export interface Target {
  readonly title: string;
  /** The limit as text. */
  readonly limit: string;
  /** The measured value as text. */
  readonly measured: string;
  readonly met: boolean;
  /** For a missed target: the figures of the same run that explain it. */
  readonly bound?: string;
}

/** What was measured: kind and size. */
export type What = readonly [kind: Kind, size: number];

/** Compares a figure of two subjects, or of one at two sizes, round by round. Undefined if one was not measured. */
export function compared(
  samples: readonly Sample[],
  figure: Figure,
  one: readonly [SubjectName, ...What],
  other: readonly [SubjectName, ...What],
  compare: (own: number, other: number) => number,
): Spread | undefined {
  const others = samplesOf(samples, ...other);
  const results = samplesOf(samples, ...one).flatMap(({ round, figures }) => {
    const beside = others.find((sample) => sample.round === round)?.figures[figure];
    const own = figures[figure];
    return own === undefined || beside === undefined ? [] : [compare(own, beside)];
  });
  return results.length === 0 ? undefined : spread(results);
}

/** Which of the three has no CPU left, and how much CPU a request needs on the path. */
export function bound(
  samples: readonly Sample[],
  subject: "envoy" | "envoy-budgets" | "shim",
  [kind, size]: What,
): string {
  const median = (figure: "pathCpu" | "loadCpu" | "upstreamCpu" | "pathCpuMs") =>
    over(samples, subject, kind, size, figure)?.median ?? Number.NaN;
  const ends = median("loadCpu") + median("upstreamCpu");
  return (
    `the path's CPU is ${percent(median("pathCpu"))} busy, at ${median("pathCpuMs").toFixed(3)} ms ` +
    `per request; that of load generator and upstream ${percent(ends)}`
  );
}

export function words({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

export function percents({ median, min, max }: Spread): string {
  return `${percent(median)} (${percent(min)}–${percent(max)})`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
