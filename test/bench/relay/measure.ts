import { setTimeout as sleep } from "node:timers/promises";
import { cpuSeconds, stolenSeconds, type Usage, usage } from "./processes.ts";
import { BUSY_CONNECTIONS, type Figure, type Sample, SLOW_ANSWER } from "./samples.ts";
import type { Subject } from "./subjects/subject.ts";
import {
  LET_GO_SECONDS,
  type LoadArgs,
  type LoadResult,
  type StreamsResult,
  type Traffic,
  type Upstream,
} from "./traffic.ts";

/** How much to measure of each subject in a round. */
export interface Extent {
  readonly connections: readonly number[];
  readonly loadSeconds: number;
  /** Numbers of requests at a time, each on a new connection. Default none. */
  readonly newConnections?: readonly number[];
  /** Numbers of events in an answer. */
  readonly events: readonly number[];
  /** Numbers of agents that the gateway knows. */
  readonly agents: readonly number[];
  /** Numbers of connections of another agent's flood; 0 for none. */
  readonly flood: readonly number[];
  /** How long to measure beside a flood, where an answer takes a second. */
  readonly floodSeconds: number;
  readonly streams: readonly number[];
  readonly holdSeconds: number;
  /** How long it may take to open the streams. */
  readonly patienceSeconds: number;
}

/** Both ends of the traffic. */
export interface Ends {
  readonly traffic: Traffic;
  readonly upstream: Upstream;
}

const MB = 1e6;

/** Measures one thing of one subject once. */
export async function measure(
  subject: Subject,
  { kind, size }: Pick<Sample, "kind" | "size">,
  ends: Ends,
  extent: Extent,
): Promise<Measured> {
  switch (kind) {
    case "rest":
      return { figures: memory(usage(subject.pids)) };
    case "load":
      return load(subject, ends, extent, { connections: size });
    case "new-connections":
      return load(subject, ends, extent, { connections: size, newConnections: true });
    case "first-frame":
      return load(subject, ends, extent, { connections: size, firstFrame: true });
    case "events":
      return load(subject, ends, extent, { connections: 1, events: size });
    case "agents":
      return withAgents(size, subject, () => load(subject, ends, extent, { connections: 1 }));
    case "agents-busy":
      return withAgents(size, subject, () =>
        load(subject, ends, extent, { connections: BUSY_CONNECTIONS }),
      );
    case "flood":
      return besideFlood(size, subject, ends, () =>
        load(subject, ends, extent, { connections: 1 }),
      );
    case "flood-slow":
      return besideFlood(size, subject, ends, () =>
        load(
          ...([subject, ends, { ...extent, loadSeconds: extent.floodSeconds }] as const),
          // Several, because each gives one figure a second.
          { connections: SLOW_CONNECTIONS, ...SLOW_ANSWER },
        ),
      );
    case "streams":
      return hold(subject, ends, extent, size);
  }
}

/** Measures while a subject knows so many agents. All else is measured with one. */
async function withAgents<T>(count: number, subject: Subject, work: () => Promise<T>): Promise<T> {
  await subject.useAgents?.(count);
  try {
    return await work();
  } finally {
    await subject.useAgents?.(1);
  }
}

/** Connections of `flood-slow`. */
const SLOW_CONNECTIONS = 8;

/** Measures while another agent floods the subject. */
async function besideFlood<T>(
  connections: number,
  subject: Subject,
  { traffic, upstream }: Ends,
  work: () => Promise<T>,
): Promise<T> {
  const { toOfOther } = subject;
  if (toOfOther === undefined) throw new Error(`${subject.name} has no other agent`);
  return withAgents(2, subject, async () => {
    if (connections === 0) return work();
    const end = await traffic.flood(toOfOther, connections);
    try {
      return await work();
    } finally {
      await end();
      await upstream.idle();
    }
  });
}

const QUIET = { lookSeconds: 0.5, cpu: 0.05, patienceSeconds: 60 };

/**
 * Waits until a subject is idle. After a thousand streams have ended, LiteLLM still uses seconds of CPU, and the subject that
 * is measured next uses the same CPU.
 */
export async function untilQuiet({ pids }: Subject): Promise<void> {
  for (let waited = 0; waited < QUIET.patienceSeconds; waited += QUIET.lookSeconds) {
    const before = cpuSeconds(pids);
    await sleep(QUIET.lookSeconds * 1000);
    if (cpuSeconds(pids) - before <= QUIET.cpu * QUIET.lookSeconds) return;
  }
}

/** Figures, and the problem if there was one. */
export type Measured = Pick<Sample, "figures" | "problem">;

async function load(
  subject: Subject,
  { traffic, upstream }: Ends,
  { loadSeconds: seconds }: Extent,
  what: Omit<LoadArgs, "seconds">,
): Promise<Measured> {
  let busy = busyMeter(subject, upstream);
  const result = await traffic.load(subject.to, { ...what, seconds }, () => {
    busy = busyMeter(subject, upstream);
  });
  const { pathCpu, ...others } = busy();
  const requestsPerSecond = result.requests / result.seconds;
  return {
    figures: {
      ...(result.requests > 0 && { p50Ms: result.latencyMs.p50, p99Ms: result.latencyMs.p99 }),
      requestsPerSecond,
      pathCpu,
      ...others,
      loadCpu: result.cpuSeconds / result.seconds,
      ...(result.requests > 0 && { pathCpuMs: (pathCpu / requestsPerSecond) * 1000 }),
    },
    ...problemOf(result),
  };
}

async function hold(
  subject: Subject,
  { traffic, upstream }: Ends,
  { holdSeconds: seconds, patienceSeconds }: Extent,
  streams: number,
): Promise<Measured> {
  let busy = busyMeter(subject, upstream);
  let held: Usage | undefined;
  const result = await traffic.streams(subject.to, { streams, seconds, patienceSeconds }, () => {
    held = usage(subject.pids);
    busy = busyMeter(subject, upstream);
  });
  const shares = busy();
  // The next measurement begins when the path has closed this one's streams.
  const left = await upstream.idle();
  const figures: Partial<Record<Figure, number>> = {
    held: result.held,
    ...(result.frames > 0 && { p50Ms: result.delayMs.p50, p99Ms: result.delayMs.p99 }),
    ...(held && memory(held)),
    ...shares,
    loadCpu: result.cpuSeconds / seconds,
  };
  const problems = [
    ...(result.held < streams ? [`${streams - result.held} not kept open: ${reason(result)}`] : []),
    ...(left > 0 ? [`${left} still open upstream ${LET_GO_SECONDS} s after the client left`] : []),
  ];
  return { figures, ...(problems.length > 0 && { problem: problems.join("; ") }) };
}

type Busy = Record<"pathCpu" | "upstreamCpu" | "stolenCpu", number>;

/** Measures from now to the call of the returned function: the share of one CPU that each process used, and that the hypervisor gave to others. */
function busyMeter(subject: Subject, upstream: Upstream): () => Busy {
  const started = performance.now();
  const path = cpuSeconds(subject.pids);
  const up = cpuSeconds([upstream.pid]);
  const stolen = stolenSeconds();
  return () => {
    const seconds = (performance.now() - started) / 1000;
    return {
      pathCpu: (cpuSeconds(subject.pids) - path) / seconds,
      upstreamCpu: (cpuSeconds([upstream.pid]) - up) / seconds,
      stolenCpu: (stolenSeconds() - stolen) / seconds,
    };
  };
}

function memory({ rssBytes }: Usage): Partial<Record<Figure, number>> {
  return { rssMb: rssBytes / MB };
}

function problemOf({ errors, requests, firstError }: LoadResult): Pick<Measured, "problem"> {
  if (errors === 0) return {};
  return { problem: `${errors} of ${errors + requests} requests: ${firstError ?? "unknown"}` };
}

function reason({ firstError }: StreamsResult): string {
  return firstError ?? "ended early";
}
