import { afterAll, beforeAll, expect, test } from "vitest";
import { lineProgress } from "../lab/progress.ts";
import { send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { Federated } from "./mint-federated.ts";
import { type PrometheusProcess, watchEnvoy } from "./prometheus-process.ts";
import { Upstream } from "./upstream.ts";

let pod: Federated;
let upstream: Upstream;
let envoy: Envoy;
let prometheus: PrometheusProcess;
let asking: NodeJS.Timeout;

beforeAll(async () => {
  pod = await Federated.prepare({ lifetimeSeconds: 3600 });
  await pod.mint.start();
  await pod.mint.says("no new token");
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  envoy = await Envoy.start({
    ...rendered({ ...terminate, credentialKind: "federated" }),
    tokens: pod.mint.tokens,
    hosts: { "api.anthropic.com:443": upstream.port },
  });
  prometheus = await watchEnvoy(envoy, lineProgress());
  asking = setInterval(() => void ask(), 200);
});

afterAll(async () => {
  clearInterval(asking);
  await prometheus.stop();
  await envoy.stop();
  await upstream.stop();
  await pod.stop();
});

async function ask(): Promise<void> {
  await send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]] }).catch(() => undefined);
}

test("a pod without a token fires the alert on it, and the first token ends it", async () => {
  const firing = () => prometheus.firing();
  await eventually(firing, (names) => names.length === 2);
  expect(await firing()).toEqual(["ClaudeGatewayNoCredential", "ClaudeGatewayServerErrors"]);
  await pod.assert();
  await pod.mint.nextToken();
  await eventually(firing, (names) => names.length === 0);
});
