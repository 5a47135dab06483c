import { expect, test } from "vitest";
import { lineProgress } from "../lab/progress.ts";
import { measureRelay } from "./relay/rounds.ts";
import { samplesOf } from "./relay/samples.ts";
import { hostSubjectNames, type SubjectName } from "./relay/subjects/subject.ts";

/** One tiny round. Tests that everything is measured and answered, not how fast. */
const SUBJECTS: readonly SubjectName[] = [
  ...(["direct", "envoy-bare", "envoy-sni", "envoy-unmetered", "envoy", "envoy-budgets"] as const),
  "shim",
];

test("a round measures every subject in every way without a failure", async () => {
  const { samples } = await measureRelay({
    subjects: SUBJECTS,
    rounds: 1,
    extent: {
      ...{ connections: [1, 4], loadSeconds: 0.3, streams: [5, 20], holdSeconds: 1.2 },
      ...{ events: [40], agents: [2, 30], patienceSeconds: 60 },
      ...{ flood: [0, 300], floodSeconds: 1.5 },
    },
    progress: lineProgress(),
    signal: new AbortController().signal,
  });

  const ofAll = (what: string) => SUBJECTS.map((subject) => `${subject} ${what}`);
  expect(samples.map(({ subject, kind, size }) => `${subject} ${kind} ${size}`)).toEqual([
    ...["rest 0", "load 1", "load 4", "first-frame 1", "events 40"].flatMap(ofAll),
    ...["envoy agents 2", "envoy agents 30", "envoy agents-busy 2", "envoy agents-busy 30"],
    ...["envoy flood 0", "envoy flood 300", "envoy flood-slow 0", "envoy flood-slow 300"],
    ...["streams 5", "streams 20"].flatMap(ofAll),
  ]);
  expect(samples.filter(({ problem }) => problem !== undefined)).toEqual([]);
  for (const kind of ["flood", "flood-slow"] as const) {
    const [alone, beside] = [0, 300].map(
      (size) => samplesOf(samples, "envoy", kind, size)[0]?.figures,
    );
    expect(beside?.requestsPerSecond).toBeGreaterThan(0);
    // With slow answers, only the flood uses the path's CPU.
    if (kind === "flood-slow") {
      expect(beside?.pathCpu).toBeGreaterThan(alone?.pathCpu ?? Infinity);
    }
  }
  for (const subject of SUBJECTS) {
    const [load] = samplesOf(samples, subject, "load", 4);
    expect(load?.figures.requestsPerSecond).toBeGreaterThan(0);
    expect(load?.figures.p99Ms).toBeGreaterThanOrEqual(load?.figures.p50Ms ?? Infinity);
    const [events] = samplesOf(samples, subject, "events", 40);
    expect(events?.figures.p50Ms).toBeGreaterThan(0);
    const [streams] = samplesOf(samples, subject, "streams", 20);
    expect(streams?.figures.held).toBe(20);
    // If the two clocks differed, a delay would be negative or very long.
    expect(streams?.figures.p50Ms).toBeGreaterThan(0);
    const [rest] = samplesOf(samples, subject, "rest", 0);
    if (subject === "direct") expect(rest?.figures.rssMb).toBe(0);
    else expect(rest?.figures.rssMb).toBeGreaterThan(20);
  }
});

test("a round with lists of allowed hosts is answered, by the API and by the last host of the list", async () => {
  const { samples } = await measureRelay({
    subjects: hostSubjectNames,
    rounds: 1,
    extent: {
      ...{ connections: [1], newConnections: [2], loadSeconds: 0.3, events: [], agents: [] },
      ...{ flood: [], floodSeconds: 0, streams: [], holdSeconds: 0, patienceSeconds: 60 },
    },
    progress: lineProgress(),
    signal: new AbortController().signal,
  });

  const answered = samples.filter(({ kind }) => kind === "load" || kind === "new-connections");
  expect(answered.map(({ subject, kind, size }) => `${subject} ${kind} ${size}`)).toEqual([
    ...["envoy-1-host load 1", "envoy-100-hosts load 1", "host-of-1 load 1", "host-of-100 load 1"],
    ...hostSubjectNames.map((subject) => `${subject} new-connections 2`),
  ]);
  expect(samples.filter(({ problem }) => problem !== undefined)).toEqual([]);
  for (const subject of hostSubjectNames) {
    const p50 = (kind: "load" | "new-connections", size: number) =>
      samplesOf(samples, subject, kind, size)[0]?.figures.p50Ms ?? Number.NaN;
    expect(p50("load", 1)).toBeGreaterThan(0);
    expect(p50("new-connections", 2)).toBeGreaterThan(0);
  }
});
