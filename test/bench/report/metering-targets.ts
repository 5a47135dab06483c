import type { RelayResult } from "../relay/rounds.ts";
import { BUSY_CONNECTIONS, type Kind, over, type Sample, type Spread } from "../relay/samples.ts";
import type { SubjectName } from "../relay/subjects/subject.ts";
import { bound, compared, percent, percents, type Target, type What, words } from "./target.ts";

const SMALL_ANSWER_MS = 0.2;
const EVENTS = 400;
const EVENTS_MS = 1;
const BUDGETS_MS = 1;
const GROWTH = 0.1;
const BESIDE_BARE = 1.15;
const STREAMS = 1000;

/** The targets of metering and budgets, each compared with the same path without them in the same round. */
export function meteringTargets({ samples, extent }: RelayResult): Target[] {
  return [
    added(samples, "envoy", ["load", 1], {
      title: "envoy: what metering adds to an answer of 2 kB, p50",
      most: SMALL_ANSWER_MS,
    }),
    added(samples, "envoy", ["events", EVENTS], {
      title: `envoy: what metering adds to an answer of ${EVENTS} events, p50`,
      most: EVENTS_MS,
    }),
    added(samples, "envoy-budgets", ["load", 1], {
      title: "envoy: what metering with budgets adds to an answer of 2 kB, p50",
      most: BUDGETS_MS,
    }),
    growth(samples, "agents", 1, extent.agents),
    growth(samples, "agents-busy", BUSY_CONNECTIONS, extent.agents),
    throughputBesideBare(samples),
    delayBesideBare(samples),
  ].filter((target) => target !== undefined);
}

function added(
  samples: readonly Sample[],
  subject: "envoy" | "envoy-budgets",
  what: What,
  { title, most }: { readonly title: string; readonly most: number },
): Target | undefined {
  const difference = compared(
    ...([samples, "p50Ms", [subject, ...what], ["envoy-unmetered", ...what]] as const),
    (own, other) => own - other,
  );
  if (difference === undefined) return undefined;
  const met = difference.median <= most;
  return {
    title,
    limit: `at most ${most} ms`,
    measured: `${words(difference, 2)} ms`,
    met,
    ...(!met && { bound: bound(samples, subject, what) }),
  };
}

/** How the time of a request grows from the smallest number of agents to the largest. */
function growth(
  samples: readonly Sample[],
  kind: "agents" | "agents-busy",
  connections: number,
  sizes: readonly number[],
): Target | undefined {
  const [few, many] = [Math.min(...sizes), Math.max(...sizes)];
  const ratio = compared(
    ...([samples, "p50Ms", ["envoy", kind, many], ["envoy", kind, few]] as const),
    (own, other) => own / other - 1,
  );
  if (ratio === undefined) return undefined;
  const met = ratio.median <= GROWTH;
  const on = connections === 1 ? "one connection" : `${connections} connections`;
  return {
    title: `envoy: latency with ${many} agents relative to ${few}, with ${on}, p50`,
    limit: `at most ${percent(GROWTH)} more`,
    measured: percents(ratio),
    met,
    ...(!met && { bound: cpuByAgents(samples, kind, sizes) }),
  };
}

function cpuByAgents(samples: readonly Sample[], kind: Kind, sizes: readonly number[]): string {
  const each = sizes.map(
    (size) => `${size}: ${ms(over(samples, "envoy", kind, size, "pathCpuMs"))}`,
  );
  return `CPU of the path per request, by number of agents: ${each.join(", ")}`;
}

function throughputBesideBare(samples: readonly Sample[]): Target | undefined {
  const what = ["load", 16] as const;
  const ratio = compared(
    ...([samples, "requestsPerSecond", ["envoy", ...what], ["envoy-bare", ...what]] as const),
    (own, bare) => bare / own,
  );
  if (ratio === undefined) return undefined;
  const cpu = (subject: SubjectName) => ms(over(samples, subject, ...what, "pathCpuMs"));
  return besideBare(ratio, "time for a request, with 16 connections", () =>
    [
      bound(samples, "envoy", what),
      `a request takes ${cpu("envoy-bare")} of CPU in Envoy with only one route, ${cpu("envoy-unmetered")} ` +
        `with everything but the meter and ${cpu("envoy")} with it`,
    ].join("; "),
  );
}

function delayBesideBare(samples: readonly Sample[]): Target | undefined {
  const what = ["streams", STREAMS] as const;
  const ratio = compared(
    ...([samples, "p99Ms", ["envoy", ...what], ["envoy-bare", ...what]] as const),
    (own, bare) => own / bare,
  );
  if (ratio === undefined) return undefined;
  const of = (subject: SubjectName) => {
    const busy = over(samples, subject, ...what, "pathCpu");
    const delay = ms(over(samples, subject, ...what, "p99Ms"));
    return `${delay} at ${busy === undefined ? "–" : percent(busy.median)} of a CPU`;
  };
  return besideBare(ratio, `delay of a frame with ${STREAMS} open streams, p99`, () =>
    [
      `p99 in Envoy with only one route ${of("envoy-bare")}`,
      `with everything but the meter ${of("envoy-unmetered")}`,
      `with it ${of("envoy")}`,
    ].join(", "),
  );
}

function besideBare(ratio: Spread, what: string, explain: () => string): Target {
  const met = ratio.median <= BESIDE_BARE;
  return {
    title: `envoy: ${what}, relative to Envoy with only one route`,
    limit: `at most ${BESIDE_BARE}×`,
    measured: `${words(ratio, 2)}×`,
    met,
    ...(!met && { bound: explain() }),
  };
}

function ms(figure: Spread | undefined): string {
  return figure === undefined ? "–" : `${figure.median.toFixed(3)} ms`;
}
