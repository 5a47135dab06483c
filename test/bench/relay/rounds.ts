import { certificateFor } from "../../conformance/envoy-process/gateways.ts";
import { labCa } from "../../lab/parts/ca.ts";
import type { Progress } from "../../lab/progress.ts";
import { type Pinning, pinning } from "./cpus.ts";
import { type Extent, measureSubject } from "./measure.ts";
import { besideDirect, type Sample } from "./samples.ts";
import { startSubject } from "./subjects/start.ts";
import { type Subject, type SubjectName, UPSTREAM_HOST } from "./subjects/subject.ts";
import { Traffic } from "./traffic.ts";
import { trafficProgram } from "./traffic/part.ts";

/** What `measureRelay` is asked for. */
export interface RelayArgs {
  readonly subjects: readonly SubjectName[];
  readonly rounds: number;
  readonly extent: Extent;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What it found. */
export interface RelayResult {
  readonly pinning: string;
  readonly rounds: number;
  readonly extent: Extent;
  readonly subjects: readonly SubjectName[];
  readonly samples: readonly Sample[];
}

/**
 * Measures all subjects side by side: each is started once, then every round measures each of them, and begins
 * with another one, so that whatever else the machine does meets all of them alike.
 */
export async function measureRelay(args: RelayArgs): Promise<RelayResult> {
  const { progress, signal, extent, rounds } = args;
  const pins: Pinning = pinning();
  const traffic = new Traffic(await trafficProgram(progress), pins.traffic);
  // Portkey's gateway takes localhost alone for a custom host.
  const certificate = await certificateFor(UPSTREAM_HOST, "localhost");
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
        for (const subject of rotated(running, round - 1)) {
          signal.throwIfAborted();
          status(subject.name);
          samples.push(...(await measureSubject(subject, round, { traffic, upstream }, extent)));
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

/** A list that begins with another of its elements. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const from = by % Math.max(list.length, 1);
  return [...list.slice(from), ...list.slice(0, from)];
}
