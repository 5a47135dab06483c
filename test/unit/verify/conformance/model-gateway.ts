/**
 * Simulates a correct gateway: tokens, closed routes, its own errors in Anthropic's format, a relay that changes and
 * delays nothing, a log with tokens, and a budget of one cent for one agent. A defect breaks one of these, so that a test can see a check fail on it.
 */
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { LoggedRequest } from "../../../verify/conformance/checks/check.ts";
import type { HeaderPair } from "../../../verify/conformance/client/raw-client.ts";
import { meteredLine } from "./model-meter.ts";

export const TOKEN = "agent-token-0123456789abcdef";
/** The agent with a budget, and its token. */
export const SPENDER = { agent: "model-spender", token: "spender-token-0123456789abcdef" };
const BUDGET_USD = 0.01;
const BASE = "/anthropic";
const OPEN = ["/v1/messages", "/v1/messages/count_tokens"];
const LIMIT_BYTES = 32 * 1024 * 1024;

/** The defects of a gateway. By default it has none. */
export interface Defect {
  /** Changes path and query of the upstream request. */
  readonly path?: (path: string) => string;
  readonly requestHeaders?: (headers: readonly HeaderPair[], body: Buffer) => HeaderPair[];
  /** Changes the request's body; needs the whole body first. */
  readonly requestBody?: (body: Buffer) => Buffer;
  /** Refuses a request because of its body, with this status. */
  readonly refuses?: (body: Buffer, headers: http.IncomingHttpHeaders) => number | undefined;
  readonly status?: (status: number) => number;
  readonly responseHeaders?: (headers: readonly HeaderPair[]) => HeaderPair[];
  /** Changes the answer's body; needs the whole body first. */
  readonly responseBody?: (body: Buffer, status: number) => Buffer;
  /** How often it sends a request whose answer has status 429 or above. */
  readonly attempts?: number;
  /** Silence after which it cuts a stream. */
  readonly idleMs?: number;
  /** Cuts a stream whose client has not read for this long. */
  readonly cutsSlowReadersMs?: number;
  /** Continues after the client has disconnected. */
  readonly ignoresDisconnect?: true;
  /** Cuts every stream when one client disconnects. */
  readonly sharesConnections?: true;
  /** Keeps connections to the upstream, and notices only through a failed request that one was closed. */
  readonly poolsBlindly?: true;
  /** Ends a broken stream properly. */
  readonly mendsStreams?: true;
  /** Which credentials it accepts. */
  readonly accepts?: (headers: http.IncomingHttpHeaders) => boolean;
  /** Relays every route. */
  readonly opensRoutes?: true;
  /** Passes the agent's credential to the upstream. */
  readonly leaks?: true;
  /** Its own errors. */
  readonly ownError?: (status: number, type: string) => string;
  /** Closes every connection instead of answering. */
  readonly hangsUp?: true;
  /** Answers the connection warm-up with a redirect. */
  readonly redirects?: true;
  /** Changes a line of the log, or leaves it out. */
  readonly logs?: (line: LoggedRequest) => LoggedRequest | undefined;
  /** Whether it refuses a request of an agent that has spent this much. */
  readonly refusesAt?: (agent: string, spentUsd: number) => boolean;
  /** Headers of the refusal. */
  readonly refusalHeaders?: Readonly<Record<string, string>>;
}

export interface ModelGateway {
  readonly baseUrl: string;
  /** Lines of the log with this session id. */
  requestLog(sessionId: string): LoggedRequest[];
  close(): Promise<void>;
}

/** Starts a gateway on loopback in front of the upstream at `port`, which accepts `key`. */
export async function startModelGateway(
  upstream: { readonly port: number; readonly key: string },
  defect: Defect = {},
): Promise<ModelGateway> {
  const streams = new Set<http.ServerResponse>();
  const pool = { agent: new http.Agent({ keepAlive: true }), closed: 0 };
  const log: Exchange["log"] = [];
  const server = http.createServer((request, response) => {
    streams.add(response);
    response.once("close", () => {
      streams.delete(response);
      if (defect.sharesConnections === true && !response.writableFinished) {
        for (const other of streams) other.destroy();
      }
    });
    void handle({ request, response, upstream, defect, pool, log });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    requestLog: (sessionId) =>
      log.filter((entry) => entry.sessionId === sessionId).map(({ line }) => line),
    close: async () => {
      pool.agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

interface Exchange {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly upstream: { readonly port: number; readonly key: string };
  readonly defect: Defect;
  readonly pool: Pool;
  readonly log: { readonly sessionId: string | undefined; readonly line: LoggedRequest }[];
}

/** Idle connections to the upstream, and how many of them have been closed unnoticed. */
interface Pool {
  readonly agent: http.Agent;
  closed: number;
}

function presents({ authorization, "x-api-key": apiKey }: http.IncomingHttpHeaders): boolean {
  return [TOKEN, SPENDER.token].some(
    (token) => authorization === `Bearer ${token}` || apiKey === token,
  );
}

function agentOf({ authorization = "" }: http.IncomingHttpHeaders): string {
  return authorization.endsWith(SPENDER.token) ? SPENDER.agent : "model-agent";
}

/** Whether the agent has spent its budget. */
function overBudget({ request, defect, log }: Exchange): boolean {
  const agent = agentOf(request.headers);
  const lines = log.map(({ line }) => line).filter((line) => line.agent === agent);
  const spent = lines.reduce((sum, line) => sum + (line.cost_usd ?? 0), 0);
  const refuses = defect.refusesAt ?? ((name, usd) => name === SPENDER.agent && usd >= BUDGET_USD);
  return refuses(agent, spent);
}

async function handle(exchange: Exchange): Promise<void> {
  const { request, response, defect } = exchange;
  const url = request.url ?? "";
  const path = url.slice(BASE.length).replace(/^(?!\/)/, "/");
  const [route = ""] = path.split("?");
  if (defect.hangsUp === true) {
    response.destroy();
    return;
  }
  if (defect.redirects === true && request.method === "HEAD") {
    response.writeHead(307, { location: "/" }).end();
    return;
  }
  const open = request.method === "POST" && url.startsWith(BASE) && OPEN.includes(route);
  if (!open && defect.opensRoutes !== true) {
    ownError(exchange, 404, "not_found_error");
  } else if (!(defect.accepts ?? presents)(request.headers)) {
    ownError(exchange, 401, "authentication_error");
  } else if (Number(request.headers["content-length"] ?? 0) > LIMIT_BYTES) {
    ownError(exchange, 413, "request_too_large");
  } else if (overBudget(exchange)) {
    ownError(exchange, 429, "rate_limit_error");
  } else {
    await relay(exchange, defect.path?.(path) ?? path);
  }
}

function ownError({ request, response, defect }: Exchange, status: number, type: string): void {
  const body =
    defect.ownError?.(status, type) ??
    JSON.stringify({
      type: "error",
      error: { type, message: `gateway: refused for ${agentOf(request.headers)}` },
    });
  // Read and drop the rest of the request, so that it is not parsed as the next request.
  request.resume();
  response.sendDate = false;
  const retry =
    status >= 500
      ? { "x-should-retry": "true" }
      : status === 429
        ? (defect.refusalHeaders ?? { "x-should-retry": "false", "retry-after": "60" })
        : {};
  const shown = defect.status?.(status) ?? status;
  response.writeHead(shown, { "content-type": "application/json", ...retry }).end(body);
}

async function relay(exchange: Exchange, path: string): Promise<void> {
  const { request, response, defect } = exchange;
  const whole =
    defect.requestBody !== undefined ||
    defect.refuses !== undefined ||
    defect.requestHeaders !== undefined ||
    defect.attempts !== undefined;
  let body: Buffer | undefined;
  if (whole) {
    body = await read(request);
    const refused = defect.refuses?.(body, request.headers);
    if (refused !== undefined) {
      ownError(exchange, refused, "invalid_request_error");
      return;
    }
  }
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(exchange, path, body).catch(() => undefined);
    if (answer === undefined) {
      if (attempt < (defect.attempts ?? 1)) continue;
      if (!response.destroyed) ownError(exchange, 502, "api_error");
      return;
    }
    if ((answer.statusCode ?? 0) < 429 || attempt >= (defect.attempts ?? 1)) {
      await passOn(exchange, answer);
      return;
    }
    answer.resume();
  }
}

/** All received bytes of a request's body, complete or not. */
async function read(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // A careless gateway would send what it has.
  }
  return Buffer.concat(chunks);
}

const OWN_HEADERS = /^(host|connection|transfer-encoding|keep-alive)$/i;
const CREDENTIALS = /^(authorization|x-api-key)$/i;

function pairs(rawHeaders: readonly string[]): HeaderPair[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );
}

function ask(
  { request, response, upstream, defect, pool }: Exchange,
  path: string,
  body: Buffer | undefined,
): Promise<http.IncomingMessage> {
  const sent = body === undefined ? undefined : (defect.requestBody?.(body) ?? body);
  const kept = pairs(request.rawHeaders).filter(
    ([name]) => !OWN_HEADERS.test(name) && (defect.leaks === true || !CREDENTIALS.test(name)),
  );
  const framed = kept.filter(([name]) => sent === undefined || !/^content-length$/i.test(name));
  const headers: HeaderPair[] = [
    ["Host", "api.anthropic.com"],
    ["x-api-key", upstream.key],
    ...(sent === undefined ? [] : [["Content-Length", String(sent.length)] as const]),
    ...(defect.requestHeaders?.(framed, body ?? Buffer.alloc(0)) ?? framed),
  ];
  if (pool.closed > 0) {
    pool.closed--;
    return Promise.reject(new Error("the connection was closed"));
  }
  return new Promise((resolve, reject) => {
    const up = http.request({
      host: "127.0.0.1",
      port: upstream.port,
      agent: defect.poolsBlindly === true ? pool.agent : false,
      method: request.method,
      path,
      headers: headers.flat(),
    });
    up.on("response", resolve);
    if (defect.poolsBlindly === true)
      up.once("socket", (socket) => socket.once("close", () => pool.closed++));
    up.on("error", reject);
    if (defect.ignoresDisconnect !== true) {
      response.once("close", () => {
        if (!response.writableFinished) up.destroy();
      });
    }
    if (sent === undefined) request.pipe(up);
    else up.end(sent);
  });
}

async function passOn(exchange: Exchange, answer: http.IncomingMessage): Promise<void> {
  const { response, defect } = exchange;
  const status = answer.statusCode ?? 0;
  count(exchange, status, answer);
  const rewrites = defect.responseBody !== undefined;
  const kept = pairs(answer.rawHeaders).filter(
    ([name]) => !OWN_HEADERS.test(name) && !(rewrites && /^content-length$/i.test(name)),
  );
  const head = () => {
    response.sendDate = false;
    response.writeHead(
      defect.status?.(status) ?? status,
      answer.statusMessage,
      (defect.responseHeaders?.(kept) ?? kept).flat(),
    );
    response.flushHeaders();
  };
  if (defect.responseBody !== undefined) {
    const body = await read(answer);
    head();
    response.end(defect.responseBody(body, status));
    return;
  }
  head();
  if (defect.idleMs !== undefined)
    answer.socket.setTimeout(defect.idleMs, () => answer.destroy(new Error("idle")));
  if (defect.cutsSlowReadersMs !== undefined) {
    const timer = setInterval(() => {
      if (response.writableNeedDrain) response.destroy();
    }, defect.cutsSlowReadersMs);
    response.once("close", () => {
      clearInterval(timer);
    });
  }
  answer.on("error", () => {
    if (defect.mendsStreams === true) response.end();
    else response.destroy();
  });
  answer.pipe(response);
}

/** Adds the answer to the log once it is complete. */
function count({ request, defect, log }: Exchange, status: number, answer: http.IncomingMessage) {
  const chunks: Buffer[] = [];
  answer.on("data", (chunk: Buffer) => chunks.push(chunk));
  answer.once("end", () => {
    const encoding = answer.headers["content-encoding"];
    const body = Buffer.concat(chunks);
    const line = meteredLine(agentOf(request.headers), status, { encoding, body });
    const logged = defect.logs === undefined ? line : defect.logs(line);
    const sessionId = request.headers["x-claude-code-session-id"]?.toString();
    if (logged !== undefined) log.push({ sessionId, line: logged });
  });
}
