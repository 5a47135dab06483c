import { afterAll, beforeAll, expect, test } from "vitest";
import { LIMITS_FILE } from "../../components/usage/budget/ratelimit-config.ts";
import { collectorOf } from "../../components/usage/telemetry/collector.ts";
import { panels } from "../../components/usage/telemetry/dashboard.ts";
import { alerts } from "../../stacks/telemetry-files.ts";
import { Budgeted } from "./budgeted.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, secrets, terminate, TOKEN_A } from "./gateways.ts";
import { HOST_TOKEN, inspecting, PRIVATE, REGISTRY } from "./inspecting.ts";

const otlp = { ...collectorOf("https://otlp.example.com"), headerNames: [] };

/** A series of Prometheus' text format. */
interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that a query uses, with the labels by which it selects and groups. */
interface Use {
  readonly name: string;
  /** Labels with their values, of matchers with `=`. */
  readonly equal: Readonly<Record<string, string>>;
  /** Labels of other matchers, and of the grouping around the metric. */
  readonly labels: readonly string[];
}

/** Labels that Prometheus itself adds. */
const OF_THE_TARGET = ["instance", "job", "le", "namespace"];

/** How the names of the metrics of limits begin. */
const LIMITS = "ratelimit_service_rate_limit";

let gateway: Budgeted;
/** Another Envoy, with inspected hosts. */
let inspector: Envoy;

beforeAll(async () => {
  inspector = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaf: await certificateFor(REGISTRY, PRIVATE),
  });
  gateway = await Budgeted.start(
    { all: { usdPerDay: 20 }, agents: { "dev-e": { usdPer30Days: 0.01 } } },
    // What Envoy counts of a service that does not answer, it counts after it first happened.
    { onFailure: "allow", path: { ...terminate, otlp } },
  );
});

afterAll(async () => {
  await gateway.stop();
  await inspector.stop();
});

const queries = [...Object.values(alerts).flat(), ...panels.flatMap(({ queries }) => queries)].map(
  ({ expr }) => expr,
);

/** The metrics that the alerts and the dashboard use, of those whose name has a prefix. */
function used(prefix: string): Use[] {
  return queries.flatMap((expr) => {
    const grouping = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
      list.split(", "),
    );
    return [...expr.matchAll(/\b([a-z0-9_]+)\{([^}]*)\}/g)]
      .filter(([, name = ""]) => name.startsWith(prefix))
      .map(([, name = "", matchers = ""]) => {
        const parsed = [...matchers.matchAll(/(\w+)(=~|=)"([^"]*)"/g)].filter(
          ([, label = ""]) => !OF_THE_TARGET.includes(label),
        );
        const equal = parsed.filter(([, , operator]) => operator === "=");
        return {
          name,
          equal: Object.fromEntries(equal.map(([, label = "", , value = ""]) => [label, value])),
          labels: [...parsed.map(([, label = ""]) => label), ...grouping].filter(
            (label) => !OF_THE_TARGET.includes(label),
          ),
        };
      });
  });
}

/** The uses that no exposed series fits. */
function missing(uses: readonly Use[], exposed: readonly Series[]): string[] {
  const fits = ({ name, equal, labels }: Use) =>
    exposed.some(
      (series) =>
        series.name === name &&
        labels.every((label) => series.labels[label] !== undefined) &&
        Object.entries(equal).every(([label, value]) => series.labels[label] === value),
    );
  const wrong = uses.filter((use) => !fits(use)).map((use) => JSON.stringify(use));
  return [...new Set(wrong)];
}

function parse(text: string): Series[] {
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = "", labels = "", value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", text = ""]) => [label, text]),
      ),
      value: Number(value),
    }),
  );
}

async function ofRatelimit(): Promise<Series[]> {
  const response = await fetch(`http://127.0.0.1:${gateway.ratelimit.metricsPort}/metrics`);
  return parse(await response.text());
}

async function ofEnvoy(): Promise<Series[]> {
  const pages = [gateway.envoy, inspector].map((envoy) => envoy.admin("/stats/prometheus"));
  return (await Promise.all(pages)).flatMap(({ text }) => parse(text));
}

/** Waits until series fit every use. */
async function allFound(uses: readonly Use[], exposed: () => Promise<Series[]>): Promise<void> {
  await eventually(
    async () => missing(uses, await exposed()),
    (names) => names.length === 0,
  );
}

test("the rate-limit service names budgets as the alerts and the dashboard expect", async () => {
  const charged = async (units: number, all: number) => {
    const { status } = await gateway.ask(TOKEN_A, units);
    await gateway.counted({ "30days dev-e": all, "day all": all });
    return status;
  };
  const statuses = [await charged(850, 850), await charged(200, 1050), await charged(0, 1050)];
  expect(statuses).toEqual([200, 200, 429]);
  const month = { domain: "agents", key1: "window_30days", key2: "agent_dev-e" };
  const day = { domain: "agents", key1: "window_day", key2: "agent_all" };
  await eventually(
    async () =>
      (await ofRatelimit()).flatMap(({ name, labels, value }) =>
        /_(total_hits|near_limit|over_limit)$/.test(name) ? [{ name, labels, value }] : [],
      ),
    (series) => {
      expect(series).toEqual([
        { name: `${LIMITS}_near_limit`, labels: month, value: 200 },
        { name: `${LIMITS}_over_limit`, labels: month, value: 51 },
        { name: `${LIMITS}_total_hits`, labels: month, value: 1050 },
        { name: `${LIMITS}_total_hits`, labels: day, value: 1050 },
      ]);
      return true;
    },
  );
});

test("every metric that the alerts and the dashboard use is one that Envoy or the rate-limit service has", async () => {
  const [envoys, ratelimits] = [used("envoy_"), used("ratelimit_")];
  expect([envoys, ratelimits].map((uses) => new Set(uses.map(({ name }) => name)).size)).toEqual([
    22, 6,
  ]);
  // Some are counted only after it went wrong for the first time.
  await gateway.ratelimit.updateConfig({ [LIMITS_FILE]: "domain: ''\n" });
  await gateway.redis.cli(["CONFIG", "SET", "maxmemory", "1"]);
  expect((await gateway.ask(TOKEN_A, 1)).status).toBe(200);
  await allFound(envoys, ofEnvoy);
  await allFound(ratelimits, ofRatelimit);
});

test("without its store, the rate-limit service has no connection", async () => {
  await gateway.redis.stop();
  await gateway.ask(TOKEN_A, 1);
  await eventually(ofRatelimit, (exposed) =>
    exposed.some(({ name, value }) => name === "ratelimit_redis_pool_cx_active" && value === 0),
  );
});
