import type { RelayResult } from "../relay/rounds.ts";
import { type Kind, over, SLOW_ANSWER } from "../relay/samples.ts";
import { digits, type Table } from "./tables.ts";
import { compared, percent, type Target, words } from "./target.ts";

const MOST = 2;

const ANSWER_SECONDS = ((SLOW_ANSWER.events - 1) * SLOW_ANSWER.everyMs) / 1000;

const ANSWERS = {
  "flood-slow": `an answer of ${ANSWER_SECONDS} s`,
  flood: "an answer that takes no time",
} as const;

type FloodKind = keyof typeof ANSWERS;

/** What another agent's flood does to an agent, compared with the same round without a flood. */
export function floodTargets({ samples, extent }: RelayResult): Target[] {
  return extent.flood
    .filter((connections) => connections > 0)
    .flatMap((connections) =>
      Object.entries(ANSWERS).flatMap(([kind, answer]) =>
        slowdown(samples, kind as FloodKind, connections, answer),
      ),
    );
}

function slowdown(
  samples: RelayResult["samples"],
  kind: FloodKind,
  connections: number,
  answer: string,
): Target[] {
  const ratio = compared(
    ...([samples, "p99Ms", ["envoy", kind, connections], ["envoy", kind, 0]] as const),
    (beside, alone) => beside / alone,
  );
  if (ratio === undefined) return [];
  const met = ratio.median <= MOST;
  const figure = (size: number) => over(samples, "envoy", kind, size, "p99Ms")?.median.toFixed(1);
  const busy = over(samples, "envoy", kind, connections, "pathCpu")?.median ?? Number.NaN;
  return [
    {
      title: `envoy: ${answer}, while another agent floods on ${connections} connections, relative to without, p99`,
      limit: `at most ${MOST}×`,
      measured: `${words(ratio, 2)}×`,
      met,
      ...(!met && {
        bound: `${figure(connections)} ms instead of ${figure(0)} ms: each step of a request waits for those of the flood, with the path's one CPU ${percent(busy)} busy`,
      }),
    },
  ];
}

/** Another agent's latency by the number of connections of the flood. */
export function floodTable({ samples, extent }: RelayResult): Table {
  const cell = (kind: Kind, size: number) => {
    const [p50, p99] = (["p50Ms", "p99Ms"] as const).map((figure) =>
      over(samples, "envoy", kind, size, figure),
    );
    return p50 === undefined || p99 === undefined
      ? "–"
      : `${digits(p50.median)} / ${digits(p99.median)} (${digits(p99.min)}–${digits(p99.max)})`;
  };
  return {
    title: "Latency of an agent (ms), while another one floods path envoy",
    note: "p50 / p99, medians over the rounds; in brackets the range of the p99. The flood sends a request after the other on each connection, also after a refusal.",
    head: ["", ...extent.flood.map((size) => (size === 0 ? "no flood" : `${size} connections`))],
    rows: Object.entries(ANSWERS).map(([kind, answer]) => [
      answer,
      ...extent.flood.map((size) => cell(kind as FloodKind, size)),
    ]),
  };
}
