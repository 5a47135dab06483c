// Empties Envoy before it is stopped: the kubelet asks GET /drain, and is answered once nothing of an agent's is open or
// the time is up. What it waits for is in its log. Dependency-free, because it runs from a ConfigMap on a plain Node image.
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const ADMIN = `http://127.0.0.1:${number("ADMIN_PORT")}`;
const PORT = number("DRAIN_PORT");
const DRAIN_SECONDS = number("DRAIN_SECONDS");

/** Idle for this long is idle: requests still arrive until every node's proxy has heard of the pod's end. */
const QUIET_SECONDS = number("QUIET_SECONDS", 5);
const POLL_SECONDS = 0.25;

/** How often the log says what is waited for, if nothing changes. */
const REPORT_SECONDS = 15;

/**
 * What agents have open, by listener: requests of HTTP, connections of passed-on TLS. A request on `egress` is LiteLLM's
 * for an agent that may have come in through another Envoy of the path: while one replaces the other, LiteLLM uses both.
 * LiteLLM ends it when the agent leaves (litellm/gateway_app.py), so none is there for nobody.
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
  // Responses from now on close their connections, while new connections are still served: unlike
  // /drain_listeners, whose period ends with listeners that refuse.
  await admin("/healthcheck/fail", "POST");
  const open = await untilIdle(start);
  log({
    level: total(open) === 0 ? "info" : "warning",
    message: total(open) === 0 ? "drained" : "time is up: what is open is cut",
    seconds: Math.round((Date.now() - start) / 1000),
    cut: open,
  });
}

/** Waits until nothing was open for the quiet time, or until the time is up; returns what is open then. */
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
