import type { ProgramResult } from "../program/samples.ts";
import { type Action, rows } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import { over, type Spread } from "../relay/samples.ts";
import { meteringTargets } from "./metering-targets.ts";
import { bound, compared, percent, percents, type Target, words } from "./target.ts";

const LATENCY_MS = 0.5;
const SHARE_OF_DIRECT = 0.5;
const STREAMS = 1000;
const MEMORY_MB = 160;
const SHIM_COST = 0.1;
const APART = "with Envoy on the other CPU:";

/** The targets of the paths, as far as the run has the figures for them. */
export function relayTargets(result: RelayResult): Target[] {
  return [
    addedLatency(result),
    ...[16, 64].map((connections) => throughput(result, connections)),
    streamMemory(result),
    shimLatency(result),
    shimThroughput(result),
    ...meteringTargets(result),
  ].filter((target) => target !== undefined);
}

function addedLatency({ samples }: RelayResult): Target | undefined {
  const added = over(samples, "envoy", "load", 1, "addedP50Ms");
  if (added === undefined) return undefined;
  const met = added.median <= LATENCY_MS;
  return {
    title: "envoy: added latency with one connection, p50",
    limit: `at most ${LATENCY_MS} ms`,
    measured: `${words(added, 2)} ms`,
    met,
    ...(!met && { bound: bound(samples, "envoy", ["load", 1]) }),
  };
}

function throughput({ samples }: RelayResult, connections: number): Target | undefined {
  const share = over(samples, "envoy", "load", connections, "shareOfDirect");
  if (share === undefined) return undefined;
  const met = share.median >= SHARE_OF_DIRECT;
  const bare = over(samples, "envoy-bare", "load", connections, "shareOfDirect");
  return {
    title: `envoy: requests/s relative to direct, with ${connections} connections`,
    limit: `at least ${percent(SHARE_OF_DIRECT)}`,
    measured: percents(share),
    met,
    ...(!met && {
      bound: besides(
        bound(samples, "envoy", ["load", connections]),
        "Envoy with only one route reaches",
        bare,
      ),
    }),
  };
}

function streamMemory({ samples }: RelayResult): Target | undefined {
  const held = over(samples, "envoy", "streams", STREAMS, "held");
  const memory = over(samples, "envoy", "streams", STREAMS, "rssMb");
  if (held === undefined || memory === undefined) return undefined;
  return {
    title: `envoy: memory with ${STREAMS} open, metered streams`,
    limit: `all ${STREAMS} under ${MEMORY_MB} MB`,
    measured: `${words(memory, 0)} MB, ${held.min} open`,
    // A process does not give memory back, so the last round counts.
    met: held.min === STREAMS && memory.max < MEMORY_MB,
  };
}

function shimLatency({ samples }: RelayResult): Target | undefined {
  const ratio = besideLiteLlm(samples, "shim", 1, "p50Ms");
  if (ratio === undefined) return undefined;
  const met = ratio.median <= 1 + SHIM_COST;
  const apart = besideLiteLlm(samples, "shim-apart", 1, "p50Ms");
  return {
    title: "shim: latency relative to path litellm, with one connection, p50",
    limit: `at most ${percent(SHIM_COST)} more`,
    measured: percents(above(ratio)),
    met,
    ...(!met && {
      bound: besides(bound(samples, "shim", ["load", 1]), APART, apart && above(apart)),
    }),
  };
}

function shimThroughput({ samples }: RelayResult): Target | undefined {
  const ratio = besideLiteLlm(samples, "shim", 16, "requestsPerSecond");
  if (ratio === undefined) return undefined;
  const met = ratio.median >= 1 - SHIM_COST;
  const apart = besideLiteLlm(samples, "shim-apart", 16, "requestsPerSecond");
  return {
    title: "shim: requests/s relative to path litellm, with 16 connections",
    limit: `at least ${percent(1 - SHIM_COST)}`,
    measured: percents(ratio),
    met,
    ...(!met && { bound: besides(bound(samples, "shim", ["load", 16]), APART, apart) }),
  };
}

function above({ median, min, max }: Spread): Spread {
  return { median: median - 1, min: min - 1, max: max - 1 };
}

/** The shim's figure divided by litellm's of the same round. */
function besideLiteLlm(
  samples: RelayResult["samples"],
  subject: "shim" | "shim-apart",
  connections: number,
  figure: "p50Ms" | "requestsPerSecond",
): Spread | undefined {
  return compared(
    samples,
    figure,
    [subject, "load", connections],
    ["litellm", "load", connections],
    (shim, bare) => shim / bare,
  );
}

/** Adds what another subject of the same run reached, if it was measured. */
function besides(words: string, what: string, other: Spread | undefined): string {
  return other === undefined ? words : `${words}; ${what} ${percents(other)}`;
}

const PROGRAM_LIMITS: readonly { readonly action: Action; readonly seconds: number }[] = [
  { action: "preview", seconds: 5 },
  { action: "envoy-ready", seconds: 10 },
  { action: "litellm-ready", seconds: 40 },
];

/** The targets of the program. Of all stacks with one agent (a host has none), the slowest counts. */
export function programTargets(result: ProgramResult): Target[] {
  return PROGRAM_LIMITS.flatMap(({ action, seconds }) => {
    const measured = rows(result).filter((row) => row.action === action && row.agents === 1);
    const [slowest] = measured.sort((a, b) => b.seconds.median - a.seconds.median);
    if (slowest === undefined) return [];
    return [
      {
        title: PROGRAM_TITLES[action] ?? action,
        limit: `at most ${seconds} s`,
        measured: `${words(slowest.seconds, 1)} s (${slowest.stack})`,
        met: slowest.seconds.median <= seconds,
      },
    ];
  });
}

const PROGRAM_TITLES: Partial<Record<Action, string>> = {
  preview: "program: pulumi preview of a gateway stack, the slowest",
  "envoy-ready": "program: time from Envoy's pod start until Ready",
  "litellm-ready": "program: time from LiteLLM's pod start until Ready",
};
