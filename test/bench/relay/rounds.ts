import { certificateFor } from "../../envoy-process/gateways.ts";
import { labCa } from "../../lab/parts/ca.ts";
import type { Progress } from "../../lab/progress.ts";
import { type Pinning, pinning } from "./cpus.ts";
import { type Extent, measure, untilQuiet } from "./measure.ts";
import { besideDirect, type Kind, type Sample } from "./samples.ts";
import { startSubject } from "./subjects/start.ts";
import { type Subject, type SubjectName, ALLOWED_HOST, UPSTREAM_HOST } from "./subjects/subject.ts";
import { Traffic } from "./traffic.ts";
import { trafficProgram } from "./traffic/part.ts";

/** The options of `measureRelay`. */
export interface RelayArgs {
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  readonly extent: Extent;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The result of `measureRelay`. */
export interface RelayResult {
  readonly pinning: string;
  readonly rounds: number;
  readonly extent: Extent;
  readonly subjects: readonly SubjectName[];
  readonly samples: readonly Sample[];
}

/**
 * Measures all subjects side by side. Each is started once. Then every round measures each thing of all of them, one subject
 * right after the other, because the machine's speed changes from minute to minute. Each round begins with another subject.
 */
export async function measureRelay(args: RelayArgs): Promise<RelayResult> {
  const { progress, signal, extent, rounds } = args;
  const pins: Pinning = pinning();
  const traffic = new Traffic(await trafficProgram(progress), pins.traffic);
  // Portkey's gateway accepts only localhost as a custom host.
  const certificate = await certificateFor(UPSTREAM_HOST, ALLOWED_HOST, "localhost");
  const upstream = await traffic.startUpstream(certificate);
  const running: Subject[] = [];
  try {
    const setting = {
      upstreamPort: upstream.port,
      caFile: (await labCa()).certFile,
      pin: pins.path,
      pinApart: pins.traffic,
      cpus: pins.pathCpus,
    };
    for (const name of args.subjects) {
      signal.throwIfAborted();
      const start = () => startSubject(name, setting, progress);
      running.push(await progress.step(`Starting ${name}`, start));
    }
    const samples: Sample[] = [];
    for (let round = 1; round <= rounds; round++) {
      await progress.step(`Round ${round} of ${rounds}`, async (status) => {
        for (const { kind, size } of measurements(round, extent)) {
          const measured = running.filter((subject) => canMeasure(subject, kind));
          for (const subject of rotated(measured, round - 1)) {
            signal.throwIfAborted();
            status(`${subject.name}, ${kind} ${size}`);
            const figures = await measure(subject, { kind, size }, { traffic, upstream }, extent);
            samples.push({ subject: subject.name, round, kind, size, ...figures });
            await untilQuiet(subject);
          }
        }
      });
    }
    const { subjects } = args;
    return { pinning: pins.words, rounds, extent, subjects, samples: besideDirect(samples) };
  } finally {
    await Promise.all(running.map((subject) => subject.stop()));
    await upstream.stop();
  }
}

function canMeasure(subject: Subject, kind: Kind): boolean {
  if (kind.startsWith("agents")) return subject.useAgents !== undefined;
  return !kind.startsWith("flood") || subject.toOfOther !== undefined;
}

/** What a round measures of each subject. */
function measurements(round: number, extent: Extent): Pick<Sample, "kind" | "size">[] {
  const loads = extent.connections.map((size) => ({ kind: "load" as const, size }));
  const streams = extent.streams.map((size) => ({ kind: "streams" as const, size }));
  return [
    ...(round === 1 ? [{ kind: "rest" as const, size: 0 }] : []),
    ...loads,
    ...(extent.newConnections ?? []).map((size) => ({ kind: "new-connections" as const, size })),
    { kind: "first-frame", size: 1 },
    ...extent.events.map((size) => ({ kind: "events" as const, size })),
    ...(["agents", "agents-busy"] as const).flatMap((kind) =>
      // Each round begins with another number, for the same reason as with the subjects.
      rotated(extent.agents, round - 1).map((size) => ({ kind, size })),
    ),
    ...(["flood", "flood-slow"] as const).flatMap((kind) =>
      extent.flood.map((size) => ({ kind, size })),
    ),
    // Opening a thousand streams takes most of the time, and their figures vary little.
    ...(round % 2 === 1 ? streams : []),
  ];
}

/** Rotates a list. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const from = by % Math.max(list.length, 1);
  return [...list.slice(from), ...list.slice(0, from)];
}
