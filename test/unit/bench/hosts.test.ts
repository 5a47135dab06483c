import { describe, expect, test } from "vitest";
import type { Figure, Kind, Sample } from "../../bench/relay/samples.ts";
import type { SubjectName } from "../../bench/relay/subjects/subject.ts";
import { allowedHosts } from "../../bench/relay/subjects/subject.ts";
import { type HostsResult, hostsTables, hostsTargets } from "../../bench/report/hosts.ts";
import { renderHosts } from "../../bench/report/markdown.ts";

/** Two rounds in which a request takes twice as long in the second one. */
function result(slower: { readonly [Name in SubjectName]?: number } = {}): HostsResult {
  const one = (subject: SubjectName, kind: Kind, size: number, figure: Figure, value: number) =>
    [1, 2].map((round): Sample => {
      const factor = figure === "p50Ms" ? round * (slower[subject] ?? 1) : 1;
      return { subject, round, kind, size, figures: { [figure]: value * factor } };
    });
  const subjects = ["envoy-1-host", "envoy-100-hosts", "host-of-1", "host-of-100"] as const;
  const samples = [
    ...subjects.flatMap((subject) => [
      ...one(subject, "load", 1, "p50Ms", 0.2),
      ...one(subject, "load", 16, "p50Ms", 2),
      ...one(subject, "new-connections", 1, "p50Ms", 1),
    ]),
    ...one("envoy-1-host", "rest", 0, "rssMb", 80),
    ...one("envoy-100-hosts", "rest", 0, "rssMb", 120),
  ];
  return {
    relay: {
      ...{ pinning: "", rounds: 2, subjects, samples },
      extent: {
        ...{ connections: [1, 16], newConnections: [1], loadSeconds: 1, streams: [], events: [] },
        ...{ agents: [], flood: [], floodSeconds: 0, holdSeconds: 0, patienceSeconds: 1 },
      },
    },
    program: {
      samples: [
        { stack: "envoy-1-host", agents: 1, action: "preview", seconds: 3 },
        { stack: "envoy-1-host", agents: 1, action: "preview", seconds: 5 },
        { stack: "envoy-100-hosts", agents: 1, action: "preview", seconds: 6 },
        { stack: "envoy-100-hosts", agents: 1, action: "up", seconds: 30 },
      ],
    },
  };
}

test("a list of hosts has as many different names as asked for, and the measured one is the last", () => {
  const hosts = allowedHosts(100);
  expect(new Set(hosts).size).toBe(100);
  expect([allowedHosts(1), hosts[0], hosts.at(-1)]).toEqual([
    ["host.example.com"],
    "host-1.example.com",
    "host.example.com",
  ]);
});

describe("what a hundred hosts cost", () => {
  test("is a table of one host beside a hundred, with a dash for what was not measured", () => {
    const lines = renderHosts(result()).split("\n");
    expect(lines).toHaveLength(12);
    expect(lines).toContain(
      "| a request to the API, one connection, p50 | 0.30 (0.20–0.40) ms | 0.30 (0.20–0.40) ms | 1.00× |",
    );
    expect(lines).toContain("| Envoy's memory before any traffic | 80.0 MB | 120 MB | 1.50× |");
    expect(lines).toContain(
      "| pulumi preview of a new stack | 4.00 (3.00–5.00) s | 6.00 s | 1.50× |",
    );
    expect(lines).toContain("| pulumi up of a new stack | – | 30.0 s | – |");
  });

  test("has a target for each latency, compared round by round", () => {
    const targets = (slower?: Parameters<typeof result>[0]) =>
      hostsTargets(result(slower)).map(({ measured, met }) => [measured, met]);
    const same = ["0 % (0 %–0 %)", true];
    expect(targets()).toEqual([same, same, same, same]);
    expect(targets({ "envoy-100-hosts": 1.09 }).map(([, met]) => met)).toEqual(Array(4).fill(true));
    const missed = ["20 % (20 %–20 %)", false];
    expect(targets({ "envoy-100-hosts": 1.2 })).toEqual([missed, missed, same, same]);
    expect(targets({ "host-of-100": 1.2 })).toEqual([same, same, missed, missed]);
  });

  test("does not hide a failure", () => {
    const { relay, program } = result();
    const [first, ...others] = relay.samples;
    if (first === undefined) throw new Error("there are no samples");
    const broken = { ...first, problem: "3 of 9 requests: status 500" };
    expect(hostsTables({ relay, program })).toHaveLength(1);
    const [, failures] = hostsTables({
      relay: { ...relay, samples: [broken, ...others] },
      program,
    });
    expect(failures?.rows).toEqual([
      ["envoy-1-host", "load 1, round 1", "3 of 9 requests: status 500"],
    ]);
  });
});
