import { beforeAll, expect, test } from "vitest";
import { gatewayVariants } from "../../components/gateway/variant.ts";
import { openLab } from "../lab/cluster/index.ts";
import { lineProgress } from "../lab/progress.ts";
import { labTarget } from "../lab/target.ts";
import { ensureUpstream } from "../lab/upstream.ts";
import { measureInSpike, type SpikeRange } from "./all-paths.ts";
import { measure } from "./measure.ts";
import { differs } from "./report/report.ts";

let range: Omit<SpikeRange, "signal">;

beforeAll(async () => {
  const progress = lineProgress();
  const lab = openLab();
  const target = await labTarget(lab, progress);
  range = {
    target,
    pulumi: await target.pulumi(progress),
    upstream: await ensureUpstream(lab),
    long: false,
    progress,
    measure: async (subject) => {
      try {
        return await progress.step(`Measuring ${subject.path}`, () => measure(subject));
      } finally {
        subject.close();
      }
    },
  };
});

test.each(gatewayVariants)(
  "%s keeps and loses what the reviewed table says",
  async (variant) => {
    const { signal } = new AbortController();
    const report = await measureInSpike(variant, { ...range, signal });
    expect(report.path).toBe(variant);
    expect(report.checks.filter(differs)).toEqual([]);
    const skipped = report.checks.filter(({ status }) => status === "skipped");
    expect(skipped.map(({ id }) => id)).toEqual(["streaming.quiet-310s"]);
    const names = await range.target.kubectl(["get", "namespaces", "--output=name"]);
    expect(names).not.toContain(`verify-${variant}`);
  },
  900_000,
);
