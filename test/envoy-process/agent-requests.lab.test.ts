import http from "node:http";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { open, openAs, type Response, responseOf, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, rendered, secrets, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

/** Envoy has one of its two workers here, so an agent may have the half of this. */
const limited = { ...terminate, maxRequests: { "dev-e": 4 } };

let upstream: Upstream;
let envoy: Envoy;
let hold = true;
/** Answers that the upstream has begun. */
const held: http.ServerResponse[] = [];
const clients: http.ClientRequest[] = [];

beforeEach(async () => {
  hold = true;
  held.length = 0;
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  upstream.handle = (request, response) => {
    request.resume();
    response.writeHead(200);
    if (hold) held.push(response);
    if (hold) response.write("data: 1\n\n");
    else response.end("whole");
  };
  const hosts = { "api.anthropic.com:443": upstream.port };
  envoy = await Envoy.start({ ...rendered(limited), hosts, concurrency: 1 });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await envoy.stop();
  await upstream.stop();
});

const of = (token: string) => ({ headers: [["x-api-key", token] as const], body: "{}" });

/** Opens a stream, and waits for its first bytes. */
async function stream(token: string): Promise<http.ClientRequest> {
  const request = openAs(envoy.ports.agents, token, "{}");
  clients.push(request);
  request.end("{}");
  const response = await responseOf(request);
  expect(response.statusCode).toBe(200);
  response.on("error", () => undefined);
  await once(response, "data");
  return request;
}

/** Whether the agent's next request is let through. It is sent again while it is not: the gateway may not have noticed yet that a request ended. */
const letThrough = (token: string) =>
  eventually(
    () => send(envoy.ports.agents, of(token)),
    ({ status }) => status === 200,
  );

function refusal({ status, headers, body }: Response) {
  return {
    status,
    retryAfter: headers["retry-after"],
    retry: headers["x-should-retry"],
    body: body.toString(),
  };
}

const REFUSED = {
  status: 429,
  retryAfter: "1",
  retry: "true",
  body: '{"type":"error","error":{"type":"rate_limit_error","message":"gateway: agent dev-e has 4 requests in flight, which is its limit"}}',
};

test("an agent's request over its limit gets 429 and is not relayed, and another agent's is served", async () => {
  await stream(TOKEN_A);
  await stream(TOKEN_A);
  for (let i = 0; i < 3; i++)
    expect(refusal(await send(envoy.ports.agents, of(TOKEN_A)))).toEqual(REFUSED);
  for (let i = 0; i < 3; i++) await stream(TOKEN_B);
  expect(held).toHaveLength(5);
});

test("an unfinished upload counts, and a request without a token does not", async () => {
  const headers = [
    ["Host", "gateway"],
    ["Content-Length", "1000"],
  ] as const;
  for (const token of [TOKEN_A, TOKEN_A, "unknown-token-0123456789"]) {
    const request = open(envoy.ports.agents, { headers: [...headers, ["x-api-key", token]] });
    request.on("error", () => undefined);
    clients.push(request);
    request.write("{");
  }
  await eventually(
    () => send(envoy.ports.agents, of(TOKEN_A)),
    ({ status }) => status === 429,
  );
  expect((await send(envoy.ports.agents, of("unknown-token-0123456789"))).status).toBe(401);
});

test.each<[string, (first: http.ClientRequest) => void]>([
  ["its client leaves", (first) => first.destroy()],
  [
    "the upstream breaks it off",
    () => {
      held.splice(0).forEach((response) => response.destroy());
    },
  ],
  [
    "it ends",
    () => {
      held.splice(0).forEach((response) => response.end());
    },
  ],
])("a request no longer counts when %s", async (_when, end) => {
  const first = await stream(TOKEN_A);
  await stream(TOKEN_A);
  expect((await send(envoy.ports.agents, of(TOKEN_A))).status).toBe(429);
  hold = false;
  end(first);
  expect((await letThrough(TOKEN_A)).body.toString()).toBe("whole");
});

test("requests one after the other are never refused, whatever their answers", async () => {
  hold = false;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const paths = ["/anthropic/v1/messages", "/anthropic/v1/nothing"];
  const statuses: number[] = [];
  for (let i = 0; i < 300; i++) {
    const answer = await send(envoy.ports.agents, {
      ...of(TOKEN_A),
      path: paths[i % 2] ?? "",
      agent,
    });
    statuses.push(answer.status);
  }
  agent.destroy();
  expect(statuses.filter((status) => status === 429)).toEqual([]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(150);
});

test("a changed limit is in force without a restart, and ends no stream", async () => {
  const first = await stream(TOKEN_A);
  await stream(TOKEN_A);
  expect((await send(envoy.ports.agents, of(TOKEN_A))).status).toBe(429);
  await envoy.updateSecrets(
    renderEnvoySecrets({ ...limited, maxRequests: { "dev-e": 8 } }, secrets),
  );
  hold = false;
  await letThrough(TOKEN_A);
  expect(first.destroyed).toBe(false);
  expect(await envoy.stat("cluster.anthropic.upstream_rq_active")).toBe(2);
});
