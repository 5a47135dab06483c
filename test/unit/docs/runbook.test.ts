import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { telemetryFiles } from "../../../stacks/telemetry-files.ts";

const RUNBOOK = readFileSync(join(import.meta.dirname, "../../../docs/runbook.md"), "utf8");
const headings = [...RUNBOOK.matchAll(/^## (\S+)$/gm)].map(([, heading]) => heading);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly annotations: Record<string, string>;
    }[];
  }[];
}

const { groups } = parse(telemetryFiles()["alerts.yaml"] ?? "") as Rules;
const alerts = groups.flatMap(({ rules }) => rules);

test("the runbook has a section for each alert, once, and for nothing else", () => {
  expect(headings.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
});

test("each alert names its section", () => {
  for (const { alert, annotations } of alerts)
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
});

test("each link within the page has a section", () => {
  const links = [...RUNBOOK.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
  const anchors = headings.map((heading = "") => heading.toLowerCase());
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect(anchors).toContain(link);
});
