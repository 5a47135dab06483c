import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gatewayToken } from "../../../components/agents/environment.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import { ports } from "../../../components/kubernetes/ports.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import { runTurn } from "../../lab/claude.ts";
import { type Lab, openLab } from "../../lab/cluster/index.ts";
import { ensureHosts } from "../../lab/hosts/hosts.ts";
import { ensureOtlp, OTLP_HOST, otlpExports } from "../../lab/otlp/otlp.ts";
import { lineProgress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { prepareStack } from "../../lab/stacks.ts";
import { labTarget, type Target } from "../../lab/target.ts";
import { ensureUpstream, LAB_API_KEY } from "../../lab/upstream.ts";
import {
  conversation,
  headerOf,
  lastRecord,
  messagesRequest,
  MODEL,
  newMarker,
} from "../../verify/conformance/checks/relay.ts";
import { agentClient } from "../../verify/conformance/subject/agent-client.ts";
import { expectClosed } from "../egress/command.ts";
import { without } from "../egress/rings.ts";
import { endPods, scrape, type ScrapingPod, startPods } from "./scraping-pods.ts";

/** Records, Claude Code's own telemetry and the metrics of a deployed gateway reach whom the config names, and nobody else. */
const progress = lineProgress();
const STACK = "telemetry";
const GATEWAY = "telemetry-gateway";
const AGENT = "telemetry-agent";
const RECEIVER_KEY = "receivers-own-key";

const prometheus: ScrapingPod = {
  ...{ namespace: "telemetry-monitoring", name: "prometheus" },
  labels: { app: "prometheus" },
};
const strangers: readonly ScrapingPod[] = [
  { ...prometheus, name: "neighbour", labels: { app: "grafana" } },
  { ...prometheus, namespace: "telemetry-elsewhere" },
];
const pods = [prometheus, ...strangers];

/** Of the model of {@link conversation}. */
const USD_PER_TOKEN = { input: 1e-6, output: 5e-6 };

let lab: Lab;
let target: Target;
let stack: Stack;
let control: AnthropicControl;
let dir: string;

beforeAll(async () => {
  lab = openLab();
  target = await labTarget(lab, progress);
  control = await ensureUpstream(lab);
  await ensureHosts(lab);
  await ensureOtlp(lab);
  dir = await mkdtemp(join(tmpdir(), "claude-gateway-telemetry-"));
  stack = await prepareStack(await target.pulumi(progress), target, STACK, "local", {
    "gateway.path": "envoy",
    "gateway.namespace": GATEWAY,
    "gateway.drainSeconds": "10",
    "agents[0].name": AGENT,
    "agents[0].budget.usdPerDay": "20",
    "telemetry.otlp.endpoint": `https://${OTLP_HOST}/lab`,
    "telemetry.scrape.from[0].namespace": prometheus.namespace,
    "telemetry.scrape.from[0].podLabels.app": "prometheus",
  });
  await stack.setConfig("telemetry.otlp.headers.x-api-key", RECEIVER_KEY, { secret: true });
  await progress.step(`pulumi up -s ${STACK}`, () => stack.up());
  await startPods(target, pods);
});

afterAll(async () => {
  await endPods(target, pods);
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
  await rm(dir, { recursive: true });
});

/** The attributes of a session's records by the gateway, once one has arrived. */
async function recordsOf(session: string) {
  const arrived = async () =>
    (await otlpExports(lab))
      .flatMap(({ items }) => items)
      .filter(({ resource }) => resource["service.name"] === "claude-gateway")
      .flatMap(({ attributes }) => attributes)
      .filter((attributes) => attributes["session.id"] === session);
  await expect.poll(async () => (await arrived()).length, { timeout: 15_000 }).toBeGreaterThan(0);
  return arrived();
}

/** The lines of Envoy's log about a session. */
async function logged(session: string): Promise<Record<string, unknown>[]> {
  const log = await target.kubectl([
    ...["logs", `--namespace=${GATEWAY}`, "--container=envoy", "--tail=-1"],
    `--selector=${labelKeys.path}=envoy-terminate`,
  ]);
  return log
    .split("\n")
    .filter((line) => line.includes(session))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a request's record arrives, with what the API counted and what Envoy's log says of it", async () => {
  const session = newMarker();
  const since = await lastRecord(control);
  const client = await agentClient(target, { namespace: AGENT, stack: STACK });
  const { head } = await client.send(
    messagesRequest({
      body: conversation(session),
      headers: [["X-Claude-Code-Session-Id", session]],
    }),
  );
  client.close();
  expect(head?.status).toBe(200);

  const [exchange, ...moreExchanges] = await control.records(since);
  expect(moreExchanges).toEqual([]);
  const { input_tokens: input = 0, output_tokens: output = 0 } = exchange?.usage ?? {};
  expect([input > 0, output > 0]).toEqual([true, true]);

  const [record, ...moreRecords] = await recordsOf(session);
  expect(moreRecords).toEqual([]);
  const {
    "claude_gateway.duration_ms": duration,
    "claude_gateway.first_byte_ms": firstByte,
    "claude_gateway.cost_usd": cost,
    ...attributes
  } = record ?? {};
  expect([duration, firstByte].map(Number).every(Number.isInteger)).toBe(true);
  expect(Number(cost)).toBeCloseTo(input * USD_PER_TOKEN.input + output * USD_PER_TOKEN.output, 10);
  expect(attributes).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.agent.name": AGENT,
    "gen_ai.response.model": MODEL,
    "gen_ai.usage.input_tokens": String(input),
    "gen_ai.usage.output_tokens": String(output),
    "gen_ai.usage.cache_read.input_tokens": "0",
    "claude_gateway.usage.cache_write_5m_tokens": "0",
    "claude_gateway.usage.cache_write_1h_tokens": "0",
    "claude_gateway.estimated": "false",
    "claude_gateway.metering": "metered",
    "claude_gateway.response_flags": "-",
    "claude_gateway.response_details": "via_upstream",
    "claude_gateway.upstream_request_id": headerOf(exchange?.response?.headers, "request-id"),
    "session.id": session,
    "http.request.method": "POST",
    "url.path": "/v1/messages",
    "http.response.status_code": "200",
  });
  expect(await logged(session)).toMatchObject([
    {
      ...{ agent: AGENT, model: MODEL, metering: "metered", cost_usd: Number(cost) },
      ...{ input_tokens: input, output_tokens: output },
    },
  ]);
}, 60_000);

test("Claude Code's own metrics and events arrive under the agent's name, without its token", async () => {
  const turn = await runTurn(target, { namespace: AGENT, prompt: "say: hello" });
  expect(turn).toMatchObject({ result: "hello", is_error: false });
  const own = async () =>
    (await otlpExports(lab))
      .filter((each) => JSON.stringify(each).includes(turn.session_id))
      .filter(({ items }) =>
        items.some(({ resource }) => resource["service.name"] === "claude-code"),
      );
  await expect
    .poll(async () => [...new Set((await own()).map(({ path }) => path))].sort(), {
      timeout: 15_000,
    })
    .toEqual(["/lab/v1/logs", "/lab/v1/metrics"]);

  const exports = await own();
  for (const { headers } of exports) {
    expect(headers).toMatchObject({
      host: OTLP_HOST,
      "x-api-key": RECEIVER_KEY,
      "x-claude-gateway-agent": AGENT,
    });
    expect(headers.authorization).toBeUndefined();
  }
  const items = exports.flatMap(({ items }) => items);
  const tokens = (type: string) =>
    items
      .filter(({ name }) => name === "claude_code.token.usage")
      .flatMap(({ attributes }) => attributes)
      .filter((point) => point["session.id"] === turn.session_id && point.type === type)
      .reduce((sum, { value }) => sum + Number(value), 0);
  expect([tokens("input"), tokens("output")]).toEqual([
    turn.usage.input_tokens,
    turn.usage.output_tokens,
  ]);
  expect(items.map(({ name }) => name)).toContain("claude_code.api_request");

  const token = await target.kubectl([
    ...["exec", `--namespace=${AGENT}`, "service/runner", "--"],
    ...["printenv", gatewayToken.variable],
  ]);
  const everything = JSON.stringify(await otlpExports(lab));
  expect(token.trim().length).toBeGreaterThan(20);
  expect(everything).not.toContain(token.trim());
  expect(everything).not.toContain(LAB_API_KEY);
}, 120_000);

test("only the named pods may read the metrics, because of policies", async () => {
  const address = async (role: "gateway" | "ratelimit") =>
    target.kubectl([
      ...["get", "pods", `--namespace=${GATEWAY}`, `--selector=${labelKeys.role}=${role}`],
      "--output=jsonpath={.items[0].status.podIP}",
    ]);
  const urls = [
    `http://${await address("gateway")}:${ports.health}/stats/prometheus`,
    `http://${await address("ratelimit")}:${ports.ratelimitMetrics}/metrics`,
  ];
  const asPod = ({ namespace, name }: ScrapingPod) => [`--namespace=${namespace}`, `pod/${name}`];
  const others = [
    ...strangers.map(asPod),
    [`--namespace=${AGENT}`, "service/runner", "--container=runner"],
  ];
  const answers = () =>
    Promise.all(
      others.map(async (container) =>
        (await scrape(target, container, urls)).map((text) => text !== null),
      ),
    );

  const series = [
    "envoy_http_lua_meter_errors{",
    `ratelimit_service_rate_limit_total_hits{domain="agents",key1="window_day",key2="agent_${AGENT}"}`,
  ];
  const found = async () =>
    (await scrape(target, asPod(prometheus), urls)).map((text, i) =>
      text?.includes(series[i] ?? ""),
    );
  // The rate-limit service renews its metrics every 10 s.
  await expect.poll(found, { timeout: 20_000 }).toEqual([true, true]);
  expect(await answers()).toEqual(others.map(() => [false, false]));
  expect(await without(lab, ["policy"], answers)).toEqual(others.map(() => [true, true]));
  expect(await answers()).toEqual(others.map(() => [false, false]));
}, 120_000);

test("npm run verify:egress finds it closed, with the receiver as a limit and every policy as rendered", async () => {
  const { checks } = await expectClosed("envoy-terminate", STACK, {
    ...{ cloneDir: lab.cloneDir, dir, otlp: true },
  });
  const policies = checks.filter(({ id }) => id.startsWith("policies."));
  expect(policies.map(({ id, evidence }) => [id, evidence]).sort()).toEqual([
    [`policies.${AGENT}`, "2 policies, all as rendered"],
    [`policies.${GATEWAY}`, "9 policies, all as rendered"],
  ]);
}, 300_000);
