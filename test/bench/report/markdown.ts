import type { RelayResult } from "../relay/rounds.ts";
import { over, type Figure, type Kind } from "../relay/samples.ts";
import { subjectTitles } from "../relay/subjects/subject.ts";
import { type HostsResult, hostsTable } from "./hosts.ts";
import type { Report } from "./report.ts";
import { digits } from "./tables.ts";

/** The README's table of what each path costs: medians over the rounds, and the maximum of the memory. */
export function renderCosts({ samples, subjects, extent }: RelayResult): string {
  const streams = Math.max(...extent.streams);
  const busy = extent.connections.filter((count) => count > 1);
  const head = [
    ...["", "what runs", "p50 with 1 connection", "added"],
    ...busy.flatMap((count) => [`requests/s with ${count}`, "of direct's"]),
    ...["CPU a request", `memory with ${streams} streams, maximum`],
  ];
  const rows = subjects.map((subject) => {
    const median = (kind: Kind, size: number, figure: Figure) =>
      over(samples, subject, kind, size, figure)?.median;
    const memory = over(samples, subject, "streams", streams, "rssMb")?.max;
    const direct = subject === "direct";
    return [
      `\`${subject}\``,
      subjectTitles[subject],
      withUnit(median("load", 1, "p50Ms"), "ms"),
      direct ? "" : withUnit(median("load", 1, "addedP50Ms"), "ms"),
      ...busy.flatMap((count) => [
        withUnit(median("load", count, "requestsPerSecond")),
        direct ? "" : share(median("load", count, "shareOfDirect")),
      ]),
      direct ? "" : withUnit(median("load", Math.max(...busy), "pathCpuMs"), "ms"),
      direct ? "" : withUnit(memory, "MB"),
    ];
  });
  return table(head, rows);
}

/** The README's table of targets. */
export function renderTargets({ targets }: Pick<Report, "targets">): string {
  const rows = targets.map(({ title, limit, measured, met }) => [
    title,
    limit,
    measured,
    met ? "✓" : "✗",
  ]);
  return table(["", "target", "measured: median of the rounds (range)", ""], rows);
}

/** The README's table of what a list of hosts costs. */
export function renderHosts(result: HostsResult): string {
  const { head, rows } = hostsTable(result);
  return table(head, rows);
}

/** Whole percents, and tenths below one percent. */
function share(figure: number | undefined): string {
  if (figure === undefined) return "–";
  return `${(figure * 100).toFixed(figure < 0.01 ? 1 : 0)} %`;
}

function withUnit(figure: number | undefined, unit?: string): string {
  return figure === undefined
    ? "–"
    : [digits(figure), ...(unit === undefined ? [] : [unit])].join(" ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
