import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import {
  isReady,
  LATER_STEPS,
  parseSteps,
  renderStatus,
  STEPS,
  summarize,
} from "../../../../infra/access/host-status.ts";

const host = {
  stack: "host",
  project: "my-project",
  zone: "europe-west1-b",
  instance: "gateway-host",
  kubeconfigSecret: "gateway-host-kubeconfig",
};
const TIME = "2026-11-23T10:00:00Z";
const WHERE = "gateway-host (my-project, europe-west1-b)";

function table(...lines: [step: string, state: string, message?: string][]) {
  const text = lines.map(
    ([step, state, message = ""]) => `${step}\t${state}\t${TIME}\t${message}\n`,
  );
  return { host, steps: parseSteps(text.join("")) };
}

const done = Object.keys(STEPS).map((step): [string, string, string] => [
  step,
  "ok",
  step === "k3s" ? "v1.36.3+k3s1, 20 s" : "1 s",
]);

describe("the names of steps", () => {
  const FOLDER = join(import.meta.dirname, "../../../../infra/machine/startup");
  const scripts = readdirSync(FOLDER).map((file) => readFileSync(join(FOLDER, file), "utf8"));
  const named = (pattern: RegExp, text = scripts.join("")): string[] =>
    [...text.matchAll(pattern)].map(([, name = ""]) => name);

  it("are those of the boot, in its order", () => {
    const boot = /^boot\(\) \{\n([^]*?)^\}/m.exec(scripts.join(""))?.[1];
    expect(named(/^ +step (\S+) /gm, boot)).toEqual(Object.keys(STEPS));
  });

  it("are all that the machine ever records", () => {
    const recorded = named(/(?:^ *(?:step|record)|\bSTEP=) ?([a-z][\w-]*)/gm);
    expect(recorded).toEqual(expect.arrayContaining(["maintenance", "logging", "datastore"]));
    for (const name of recorded) expect({ ...STEPS, ...LATER_STEPS }).toHaveProperty(name);
  });
});

describe("summarize", () => {
  it("says that the machine has not reported yet", () => {
    expect(summarize(table())).toBe(
      `${WHERE}: the machine has not reported yet; a first boot takes a minute or two`,
    );
  });

  it("says how far the set-up is", () => {
    const status = table(["files", "ok"], ["watch", "ok"], ["packages", "running"]);
    expect(summarize(status)).toBe(`${WHERE}: setting up, 2 of 12 steps done, now at "packages"`);
    expect(isReady(status)).toBe(false);
  });

  it("names the step that failed and why", () => {
    const status = table(["packages", "ok"], ["disk", "failed", "data disk is not attached"]);
    expect(summarize(status)).toBe(
      `${WHERE}: set-up failed at step "disk": data disk is not attached`,
    );
    expect(isReady(status)).toBe(false);
  });

  it("is ready when every step is done", () => {
    expect(summarize(table(...done))).toBe(`${WHERE}: ready, k3s v1.36.3+k3s1`);
    expect(isReady(table(...done))).toBe(true);
    expect(isReady(table(...done.slice(0, -1)))).toBe(false);
  });

  it("is ready on a host of an older release, which has no step datastore, unless that failed", () => {
    const older = done.filter(([step]) => step !== "datastore");
    expect(isReady(table(...older))).toBe(true);
    expect(renderStatus(table(...older))).not.toContain("datastore");
    expect(isReady(table(...older.filter(([step]) => step !== "disk")))).toBe(false);
    const failed = table(...older, ["datastore", "failed", "mount: no loop device"]);
    expect(isReady(failed)).toBe(false);
    expect(summarize(failed)).toBe(
      `${WHERE}: set-up failed at step "datastore": mount: no loop device`,
    );
  });

  it("is ready with the previous release after a failed upgrade, and says so", () => {
    const status = table(...done, ["upgrade", "failed", "a -> b: no; rolled back to a"]);
    expect(isReady(status)).toBe(true);
    expect(summarize(status)).toBe(
      `${WHERE}: ready, k3s v1.36.3+k3s1; upgrade failed: a -> b: no; rolled back to a`,
    );
  });
});

it.each(Object.keys(LATER_STEPS))("is ready after a failed %s, and says why", (step) => {
  const status = table(...done, [step, "failed", "no"]);
  expect(isReady(status)).toBe(true);
  expect(summarize(status)).toBe(`${WHERE}: ready, k3s v1.36.3+k3s1; ${step} failed: no`);
  expect(renderStatus(status).trimEnd().split("\n").at(-1)).toMatch(
    new RegExp(`^ {2}✗ ${step} .* no \\(${TIME}\\)$`),
  );
});

describe("renderStatus", () => {
  it("shows every step, including those not begun, and what to do about a failure", () => {
    const text = renderStatus(table(["packages", "ok", "11 s"], ["disk", "failed", "no disk"]));
    const lines = text.trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 12 + 2);
    expect(lines[1]).toBe("  · files       configuration files");
    expect(lines[5]).toBe("  · datastore   file system of the datastore");
    expect(lines[3]).toBe(`  ✓ packages    Debian packages               11 s (${TIME})`);
    expect(lines[4]).toBe(`  ✗ disk        data disk                     no disk (${TIME})`);
    expect(lines.at(-1)).toBe(
      "  The machine tries again every minute. To restart it: gcloud compute instances reset gateway-host --project my-project --zone europe-west1-b",
    );
  });

  it("adds the last upgrade, and no advice if nothing failed", () => {
    const text = renderStatus(table(...done, ["upgrade", "ok", "a -> b"]));
    expect(text.trimEnd().split("\n").at(-1)).toMatch(/^ {2}✓ upgrade .* a -> b/);
    expect(text).not.toContain("gcloud");
  });
});

it("shows the last maintenance and the next", () => {
  const message = "last: none; next: 2026-11-29T04:00Z";
  const text = renderStatus(table(...done, ["maintenance", "ok", message]));
  expect(text.trimEnd().split("\n").at(-1)).toBe(
    `  ✓ maintenance maintenance                   ${message} (${TIME})`,
  );
});

it("escapes control characters before they reach the terminal", () => {
  const hostile = "\u001b]0;owned\u0007\u001b[2J\u202e\r";
  const text = renderStatus(table(["packages", "ok", hostile], ["disk", "failed", hostile]));
  expect(text.replaceAll("\n", "")).not.toMatch(/\p{C}/u);
  expect(text).toContain("\\u{1b}]0;owned\\u{7}\\u{1b}[2J\\u{202e}\\u{d}");
  expect(() => parseSteps(`x\t${hostile}`)).toThrow("\\u{1b}]0;owned");
});

it("handles a step that has the name of a property of every object", () => {
  expect(summarize(table(["toString", "failed", "no"]))).not.toContain("toString");
});

it("rejects a table that is not a list of step reports", () => {
  expect(() => parseSteps("something else\n")).toThrow(
    "a line that is not a step report: something else",
  );
});
