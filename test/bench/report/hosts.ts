import { hostsStack } from "../program/hosts.ts";
import { type Action, actions, type ProgramResult, rows } from "../program/samples.ts";
import type { RelayResult } from "../relay/rounds.ts";
import { type Figure, type Kind, over, type Spread } from "../relay/samples.ts";
import type { SubjectName } from "../relay/subjects/subject.ts";
import { digits, problems, ranged, type Table } from "./tables.ts";
import { compared, percent, percents, type Target } from "./target.ts";

/** What a list of allowed hosts costs: the gateway, and the commands. */
export interface HostsResult {
  readonly relay: RelayResult;
  readonly program: ProgramResult;
}

/** Numbers of allowed hosts, and the names of what is measured with each. */
export const FEW = { hosts: 1, api: "envoy-1-host", host: "host-of-1" } as const;
export const MANY = { hosts: 100, api: "envoy-100-hosts", host: "host-of-100" } as const;

const GROWTH = 0.1;

interface Line {
  readonly title: string;
  readonly subject: "api" | "host";
  readonly kind: Kind;
  readonly size: number;
  readonly figure: Figure;
  readonly unit: string;
}

const LINES: readonly Line[] = [
  line("api", "load", 1, "a request to the API, one connection, p50"),
  line("api", "load", 16, "a request to the API, 16 connections, p50"),
  line("host", "load", 1, "a request to an allowed host on an open connection, p50"),
  line("host", "new-connections", 1, "a request to an allowed host on a new connection, p50"),
  {
    ...line("api", "rest", 0, "Envoy's memory before any traffic"),
    ...({ figure: "rssMb", unit: "MB" } as const),
  },
];

function line(subject: Line["subject"], kind: Kind, size: number, title: string): Line {
  return { title, subject, kind, size, figure: "p50Ms", unit: "ms" };
}

const ACTIONS: readonly Action[] = [
  ...(["preview", "up", "preview-unchanged", "up-unchanged", "envoy-ready"] as const),
];

/** The report's tables: the comparison, and what failed. */
export function hostsTables(result: HostsResult): Table[] {
  return [hostsTable(result), problems(result.relay)].filter(({ rows }) => rows.length > 0);
}

/** One host in `egress.allow` beside a hundred. */
export function hostsTable({ relay, program }: HostsResult): Table {
  return {
    title: "Hosts in egress.allow",
    note: "Medians; in brackets the range.",
    head: ["", "1 host", "100 hosts", "ratio"],
    rows: [
      ...LINES.map(({ title, subject, kind, size, figure, unit }) => {
        const at = (name: SubjectName) => over(relay.samples, name, kind, size, figure);
        return cells(title, at(FEW[subject]), at(MANY[subject]), unit);
      }),
      ...ACTIONS.map((action) => {
        const at = (count: number) =>
          rows(program).find((row) => row.action === action && row.stack === hostsStack(count))
            ?.seconds;
        return cells(actions[action], at(FEW.hosts), at(MANY.hosts), "s");
      }),
    ],
  };
}

function cells(title: string, few: Spread | undefined, many: Spread | undefined, unit: string) {
  const ratio = few && many ? `${digits(many.median / few.median)}×` : "–";
  const text = (figure: Spread | undefined) => (figure ? `${ranged(figure)} ${unit}` : "–");
  return [title, text(few), text(many), ratio];
}

/** The time of a request must not grow with the list. */
export function hostsTargets({ relay: { samples } }: HostsResult): Target[] {
  return LINES.filter(({ figure }) => figure === "p50Ms").flatMap((measured) => {
    const { title, subject, kind, size, figure } = measured;
    const ratio = compared(
      ...([samples, figure, [MANY[subject], kind, size], [FEW[subject], kind, size]] as const),
      (own, other) => own / other - 1,
    );
    if (ratio === undefined) return [];
    return [
      {
        title: `envoy: with 100 allowed hosts relative to 1, ${title}`,
        limit: `at most ${percent(GROWTH)} more`,
        measured: percents(ratio),
        met: ratio.median <= GROWTH,
      },
    ];
  });
}
