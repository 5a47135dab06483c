import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { renderCosts, renderHosts, renderTargets } from "../../bench/report/markdown.ts";
import type { Report } from "../../bench/report/report.ts";
import { reportOf } from "../../bench/report/report.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const results = (name: string) => JSON.parse(read(`test/bench/results/${name}.json`)) as Report;
const relay = results("latest");
const program = results("program");
const { hosts, targets: hostsTargets } = results("hosts");
const flood = results("flood");

/** Text whose cells have no padding and whose rules all have one length, so that the formatter may align tables. */
const plain = (text: string) => text.replaceAll(/ *\| */g, "|").replaceAll(/-{3,}:?/g, "---");

describe("the README's figures are those of the kept runs of the bench", () => {
  const readme = read("README.md");

  test("what each path costs", () => {
    if (relay.relay === undefined) throw new Error("latest.json has no relay part");
    expect(plain(readme)).toContain(plain(renderCosts(relay.relay)));
  });

  test("what a hundred allowed hosts cost", () => {
    if (hosts === undefined) throw new Error("hosts.json has no hosts part");
    expect(plain(readme)).toContain(plain(renderHosts(hosts)));
  });

  test("the targets", () => {
    expect(plain(readme)).toContain(
      plain(
        renderTargets({
          targets: [...relay.targets, ...program.targets, ...hostsTargets, ...flood.targets],
        }),
      ),
    );
  });

  test("when, where and with which versions they were measured", () => {
    const { date, machine, versions } = relay;
    const { Envoy = "", LiteLLM = "", Portkey = "", Node = "" } = versions;
    expect(readme.replaceAll(/\s+/g, " ")).toContain(
      `Measured on ${date.slice(0, 10)}: ${machine.cores} × ${machine.cpu}, Envoy ${Envoy}, LiteLLM ${LiteLLM}, Portkey ${Portkey}, Node ${Node}`,
    );
  });
});

test.each(["latest", "program", "hosts", "flood"])(
  "the targets of %s.json follow from its samples",
  (name) => {
    const { targets, ...measured } = results(name);
    const again = reportOf(measured, measured);
    expect(again.targets.map(({ title, met }) => ({ title, met }))).toEqual(
      targets.map(({ title, met }) => ({ title, met })),
    );
  },
);
