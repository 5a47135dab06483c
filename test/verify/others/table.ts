import { type Theme, themeOf } from "../conformance/checks/check.ts";
import { checksOf, questions, tally } from "../conformance/report/decision.ts";
import type { Report } from "../conformance/report/report.ts";
import type { OtherGateway } from "./gateways.ts";
import type { Release } from "./older.ts";

/** The themes without a question of their own, by the heading of their column. */
const MORE: readonly (readonly [heading: string, themes: readonly Theme[]])[] = [
  ["bodies and sizes", ["body", "size"]],
  ["headers", ["headers"]],
  ["own answers", ["own-errors"]],
  ["disconnects", ["disconnect", "connection"]],
];

/** Others' gateways side by side, in Markdown: passed of measured checks. */
export function renderOthers(measured: readonly Measured<OtherGateway>[]): string {
  const columns = [...questions.map(({ topic, themes }) => [topic, themes] as const), ...MORE];
  const share = (report: Report, themes: readonly Theme[]) => {
    const { kept, measured } = tally(checksOf(report, themes));
    return measured === 0 ? "–" : `${kept}/${measured}`;
  };
  const rows = measured.map(({ gateway, report }) => {
    const { kept, measured } = tally(report.checks);
    const parts = columns.map(([, themes]) => share(report, themes));
    return [gateway.title, gateway.version, ...parts, `${kept}/${measured}`];
  });
  const head = ["gateway", "version", ...columns.map(([heading]) => heading), "checks passed"];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

interface Measured<Of> {
  readonly gateway: Of;
  readonly report: Report;
}

/** Releases side by side, in Markdown: what an older one loses that the deployed one keeps, and the other way round. */
export function renderReleases(measured: readonly Measured<Release>[]): string {
  const rows = measured.map(({ gateway, report }) => {
    const { kept, measured: of } = tally(report.checks);
    const deployed = measured.find(
      (other) =>
        other.gateway.title === gateway.title && other.gateway.version === gateway.deployed,
    );
    const loses =
      deployed === undefined ? "deployed" : compared(report, deployed.report) || "nothing";
    return [gateway.title, gateway.version, `${kept}/${of}`, loses];
  });
  const head = ["part", "version", "checks passed", "what it loses"];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** The checks that pass with the deployed release only. Of a theme with many of them, the number. */
function compared(older: Report, deployed: Report): string {
  const passed = new Set(
    deployed.checks.filter(({ status }) => status === "pass").map(({ id }) => id),
  );
  const lost = older.checks.filter(({ id, status }) => status !== "pass" && passed.has(id));
  const themes = [...new Set(lost.map(({ id }) => themeOf(id)))];
  return themes
    .map((theme) => {
      const ids = lost.filter(({ id }) => themeOf(id) === theme);
      return ids.length > MOST_NAMED
        ? `${ids.length} of ${theme}`
        : ids.map(({ id }) => `\`${id}\``).join(", ");
    })
    .join(", ");
}

const MOST_NAMED = 4;

/** The day of the oldest of the reports. */
export function measuredOn(reports: readonly Report[]): string {
  const [first = ""] = reports.map(({ measuredAt }) => measuredAt.slice(0, 10)).sort();
  return first;
}
