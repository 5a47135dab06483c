// Drains Envoy before it stops. The kubelet calls GET /drain; the answer comes when no agent has a request or a
// connection open, or when the time is up. The log says what it waits for. It has no dependencies, because it runs from
// a ConfigMap on a plain Node image.
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const ADMIN = `http://127.0.0.1:${number("ADMIN_PORT")}`;
const PORT = number("DRAIN_PORT");
const DRAIN_SECONDS = number("DRAIN_SECONDS");

/** Envoy counts as idle after this long: requests still arrive until every node's proxy knows that the pod ends. */
const QUIET_SECONDS = number("QUIET_SECONDS", 5);
const POLL_SECONDS = 0.25;

/** How often the log says what the drain waits for, if nothing changes. */
const REPORT_SECONDS = 15;

/**
 * What agents have open, by listener: HTTP requests, or connections of TLS that is passed on. LiteLLM makes the requests
 * on `egress`, also for agents that called another Envoy of the path: while one Envoy replaces the other, LiteLLM uses
 * both. LiteLLM ends such a request when its agent leaves (litellm/gateway_app.py), so each one has an agent that waits.
 */
const OPEN = /^(?:http\.(agents|egress)\.downstream_rq_active|tcp\.(sni)\.downstream_cx_active)$/;

let draining;

const server = http.createServer((request, response) => {
  if (request.method !== "GET" || request.url !== "/drain") {
    response.writeHead(404).end();
    return;
  }
  draining ??= drain();
  draining.then(
    () => response.writeHead(200).end(),
    (error) => {
      log({ level: "error", message: `drain failed: ${error.message}` });
      response.writeHead(500).end();
    },
  );
});
// The answer may take as long as the longest stream.
server.requestTimeout = 0;
server.listen(PORT);

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));

async function drain() {
  const start = Date.now();
  // From now on every response closes its connection, but new connections are still served. With /drain_listeners
  // the listeners would refuse connections at the end.
  await admin("/healthcheck/fail", "POST");
  const open = await untilIdle(start);
  log({
    level: total(open) === 0 ? "info" : "warning",
    message: total(open) === 0 ? "drained" : "time is up: open requests and connections are cut",
    seconds: Math.round((Date.now() - start) / 1000),
    cut: open,
  });
}

/** Waits until nothing has been open for the quiet time, or until the time is up. Returns what is open then. */
async function untilIdle(start) {
  const deadline = start + DRAIN_SECONDS * 1000;
  let idleSince;
  let reported = { count: 0, at: 0 };
  for (;;) {
    const open = await openNow();
    const now = Date.now();
    const count = total(open);
    if (count > 0 && (count !== reported.count || now - reported.at >= REPORT_SECONDS * 1000)) {
      reported = { count, at: now };
      log({ level: "info", message: "waiting", open, until: new Date(deadline).toISOString() });
    }
    idleSince = count === 0 ? (idleSince ?? now) : undefined;
    const quiet = idleSince !== undefined && now - idleSince >= QUIET_SECONDS * 1000;
    if (quiet || now >= deadline) return open;
    await sleep(POLL_SECONDS * 1000);
  }
}

async function openNow() {
  const { stats } = JSON.parse(await admin("/stats?format=json&filter=downstream_(rq|cx)_active$"));
  const open = {};
  for (const { name, value } of stats) {
    const [, httpListener, tcpListener] = OPEN.exec(name ?? "") ?? [];
    const listener = httpListener ?? tcpListener;
    if (listener !== undefined) open[listener] = value;
  }
  return open;
}

function total(open) {
  return Object.values(open).reduce((sum, count) => sum + count, 0);
}

async function admin(path, method = "GET") {
  const response = await fetch(ADMIN + path, { method });
  if (!response.ok) throw new Error(`Envoy answered ${response.status} to ${path}`);
  return response.text();
}

function number(name, fallback) {
  const text = process.env[name] ?? fallback;
  const value = Number(text);
  if (text === undefined || !Number.isFinite(value) || value < 0) {
    throw new Error(`${name} must be set to a number, but is ${JSON.stringify(text)}`);
  }
  return value;
}

function log(fields) {
  console.log(JSON.stringify({ time: new Date().toISOString(), ...fields }));
}
