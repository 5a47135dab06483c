import { afterAll, beforeAll, expect, test } from "vitest";
import { lineProgress } from "../lab/progress.ts";
import { send } from "./client.ts";
import { type Envoy, eventually } from "./envoy.ts";
import { TOKEN_A } from "./gateways.ts";
import { type PrometheusProcess, watchEnvoy } from "./prometheus-process.ts";
import { startTerminating } from "./terminating.ts";
import type { Upstream } from "./upstream.ts";

let upstream: Upstream;
let envoy: Envoy;
let prometheus: PrometheusProcess;
let asking: NodeJS.Timeout;
/** Whether to ask as an agent, or with a token that nobody has. */
let token = TOKEN_A;

beforeAll(async () => {
  ({ upstream, envoy } = await startTerminating());
  prometheus = await watchEnvoy(envoy, lineProgress());
  asking = setInterval(() => void ask(), 200);
});

afterAll(async () => {
  clearInterval(asking);
  await prometheus.stop();
  await envoy.stop();
  await upstream.stop();
});

async function ask(): Promise<void> {
  await send(envoy.ports.agents, { headers: [["x-api-key", token]] }).catch(() => undefined);
}

/** Waits until exactly these alerts fire. */
async function fires(...names: string[]): Promise<void> {
  const expected = JSON.stringify(names);
  await eventually(
    () => prometheus.firing(),
    (firing) => JSON.stringify(firing) === expected,
  );
}

test("a gateway that works fires nothing, although agents are refused", async () => {
  token = "nobody's-token-0123456789";
  const refused = "sum(increase(envoy_http_downstream_rq_xx{envoy_response_code_class='4'}[6s]))";
  await eventually(
    () => prometheus.query(refused),
    ([sum]) => (sum?.value ?? 0) > 3,
  );
  expect(await prometheus.firing()).toEqual([]);
  token = TOKEN_A;
});

test("an API that answers 500 fires the alerts on errors, and its recovery ends them", async () => {
  upstream.handle = (_request, response) => response.writeHead(500).end();
  await fires("ClaudeGatewayServerErrors", "ClaudeGatewayUpstreamErrors");
  upstream.handle = undefined;
  await fires();
});

test("an API that cannot be reached fires the alert on connections too", async () => {
  await upstream.stop();
  await fires(
    "ClaudeGatewayServerErrors",
    "ClaudeGatewayUpstreamErrors",
    "ClaudeGatewayUpstreamUnreachable",
  );
});

test("a gateway that ends fires the alert on its absence", async () => {
  await envoy.stop();
  await fires("ClaudeGatewayDown");
});
