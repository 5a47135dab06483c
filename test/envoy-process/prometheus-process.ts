import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { jobs } from "../../components/usage/telemetry/alert.ts";
import { telemetryFiles } from "../../stacks/telemetry-files.ts";
import { prometheusPart } from "../lab/parts/programs.ts";
import type { Progress } from "../lab/progress.ts";
import { Child } from "./child.ts";
import type { Envoy } from "./envoy.ts";
import { freePort } from "./free-port.ts";

/** A running Prometheus. */
export interface PrometheusProcess {
  /** The names of the alerts that fire now. */
  firing(): Promise<string[]>;
  /** The values of a query now, one for each series. */
  query(expr: string): Promise<readonly { readonly value: number }[]>;
  stop(): Promise<void>;
}

/** Starts the real Prometheus on loopback. It scrapes every second, and evaluates the rules as often. */
async function startPrometheus(
  args: {
    /** Text of the rules file. */
    readonly rules: string;
    /** What to scrape on loopback: job, port and path. */
    readonly targets: readonly {
      readonly job: string;
      readonly port: number;
      readonly path: string;
    }[];
  },
  progress: Progress,
): Promise<PrometheusProcess> {
  const { prometheus } = await prometheusPart(progress);
  const dir = await mkdtemp(join(tmpdir(), "prometheus-"));
  await writeFile(join(dir, "rules.yaml"), args.rules);
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [join(dir, "rules.yaml")],
    scrape_configs: args.targets.map(({ job, port, path }) => ({
      job_name: job,
      metrics_path: path,
      static_configs: [{ targets: [`127.0.0.1:${port}`], labels: { namespace: "llm" } }],
    })),
  };
  await writeFile(join(dir, "prometheus.yaml"), stringify(config));
  const port = await freePort();
  const child = new Child([
    prometheus,
    `--config.file=${join(dir, "prometheus.yaml")}`,
    `--storage.tsdb.path=${join(dir, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  const base = `http://127.0.0.1:${port}`;
  await child.ready("Prometheus", async () => (await fetch(`${base}/-/ready`)).ok);
  return {
    async firing() {
      const response = await fetch(`${base}/api/v1/alerts`);
      const { data } = (await response.json()) as {
        data: { alerts: { state: string; labels: { alertname: string } }[] };
      };
      const names = data.alerts.flatMap(({ state, labels }) =>
        state === "firing" ? [labels.alertname] : [],
      );
      return [...new Set(names)].sort();
    },
    async query(expr) {
      const response = await fetch(`${base}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { data } = (await response.json()) as {
        data: { result: { value: [number, string] }[] };
      };
      return data.result.map(({ value: [, text] }) => ({ value: Number(text) }));
    },
    async stop() {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Starts Prometheus on Envoy's metrics, with the shipped rules as {@link fasterAlerts}. */
export function watchEnvoy(envoy: Envoy, progress: Progress): Promise<PrometheusProcess> {
  const target = { job: jobs.envoy, port: envoy.ports.health, path: "/stats/prometheus" };
  return startPrometheus({ rules: fasterAlerts(), targets: [target] }, progress);
}

/** The shipped rules with seconds for minutes: a test cannot wait for the real times, which promtool checks. */
function fasterAlerts(): string {
  return (telemetryFiles()["alerts.yaml"] ?? "")
    .replace(/\[\d+m\]/g, "[6s]")
    .replace(/offset \d+m/g, "offset 6s")
    .replace(/for: \d+m/g, "for: 1s");
}
