// Runs where an agent runs (piped into its pod, or as a local process) and sends HTTP/1.1 exactly as commanded: one JSON
// command per line on stdin, one JSON event per line on stdout. The agent's credential does not leave this process: in a
// header's value, {credential} stands for it. Needs only Node.
import { Buffer } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { clearTimeout, setTimeout } from "node:timers";
import { connect as connectTls, rootCertificates } from "node:tls";
import { URL } from "node:url";

const { env } = process;
const base = new URL(
  env.ANTHROPIC_BASE_URL ??
    env.ANTHROPIC_VERTEX_BASE_URL ??
    env.ANTHROPIC_BEDROCK_BASE_URL ??
    "https://api.anthropic.com",
);
const credential =
  env.ANTHROPIC_AUTH_TOKEN ?? env.ANTHROPIC_API_KEY ?? env.CLAUDE_CODE_OAUTH_TOKEN ?? "";
/** More headers, as Claude Code takes them from its environment: a line each. */
const customHeaders = (env.ANTHROPIC_CUSTOM_HEADERS ?? "")
  .split("\n")
  .filter((line) => line !== "");
const secure = base.protocol === "https:";
const SYSTEM_CA = env.NODE_EXTRA_CA_CERTS ?? "/etc/ssl/certs/ca-certificates.crt";
const ca = [...rootCertificates, ...(existsSync(SYSTEM_CA) ? [readFileSync(SYSTEM_CA)] : [])];

/** Open exchanges, by the id that their commands contain. */
const exchanges = new Map();

function report(event) {
  process.stdout.write(`${JSON.stringify({ ...event, atMs: now() })}\n`);
}

function now() {
  return performance.timeOrigin + performance.now();
}

function bytesOf(piece) {
  if ("text" in piece) return Buffer.from(piece.text);
  if ("base64" in piece) return Buffer.from(piece.base64, "base64");
  return Buffer.alloc(piece.length, piece.fill);
}

function headOf({ method, path, headers }) {
  const lines = headers.map(
    ([name, value]) =>
      `${name}: ${value.replaceAll("{host}", base.host).replaceAll("{credential}", credential)}`,
  );
  const target = base.pathname.replace(/\/$/, "") + path;
  return Buffer.from(
    `${[`${method} ${target} HTTP/1.1`, ...lines, ...customHeaders].join("\r\n")}\r\n\r\n`,
    "latin1",
  );
}

function open({ id, request, timeoutMs }) {
  const host = base.hostname.replace(/^\[|\]$/g, "");
  const where = { host, port: Number(base.port || (secure ? 443 : 80)) };
  const socket = secure
    ? connectTls({ ...where, servername: host, ca, ALPNProtocols: ["http/1.1"] })
    : connectTcp(where);
  socket.setNoDelay(true);
  let over = false;
  const finish = (event) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    exchanges.delete(id);
    report({ id, ...event });
    socket.destroy();
  };
  const cut = (why) => finish({ event: "cut", why });
  const timer = setTimeout(() => cut("timeout"), timeoutMs);
  const response = new ResponseReader(request.method, {
    head: (head) => report({ id, event: "head", ...head }),
    data: (bytes) => report({ id, event: "data", base64: bytes.toString("base64") }),
    end: () => finish({ event: "end" }),
    broken: cut,
  });
  exchanges.set(id, { socket, cut });
  socket.on("data", (bytes) => !over && response.feed(bytes));
  socket.on("end", () => (response.endsWithConnection ? finish({ event: "end" }) : cut("closed")));
  socket.on("error", (error) => cut(error.code ?? error.message));
  socket.on("close", () => cut("closed"));
  socket.write(Buffer.concat([headOf(request), ...request.body.map(bytesOf)]));
}

/** Reads one HTTP/1.1 response and reports each part as soon as its bytes have arrived. */
class ResponseReader {
  #left = Buffer.alloc(0);
  #state = "head";
  /** Remaining bytes of the body, or of its current chunk. */
  #missing = 0;
  endsWithConnection = false;

  constructor(method, on) {
    this.method = method;
    this.on = on;
  }

  feed(bytes) {
    this.#left = Buffer.concat([this.#left, bytes]);
    while (this.#step());
  }

  #step() {
    switch (this.#state) {
      case "head":
        return this.#head();
      case "size":
        return this.#chunkSize();
      case "trailer":
        return this.#trailer();
      case "body":
        return this.#body();
      default:
        return false;
    }
  }

  #take(separator) {
    const end = this.#left.indexOf(separator);
    if (end === -1) return undefined;
    const taken = this.#left.subarray(0, end).toString("latin1");
    this.#left = this.#left.subarray(end + separator.length);
    return taken;
  }

  #head() {
    const text = this.#take("\r\n\r\n");
    if (text === undefined) return false;
    const [first, ...lines] = text.split("\r\n");
    const [, status, reason] = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(first) ?? [];
    if (status === undefined) return this.#fail(`not an HTTP/1.1 response: ${first.slice(0, 80)}`);
    if (status.startsWith("1")) return true;
    const headers = lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    });
    const header = (name) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
    this.on.head({ status: Number(status), reason: reason ?? "", headers });
    if (this.method === "HEAD" || status === "204" || status === "304") return this.#end();
    const length = header("content-length");
    if (/chunked/i.test(header("transfer-encoding") ?? "")) this.#state = "size";
    else {
      this.#state = "body";
      this.endsWithConnection = length === undefined;
      this.#missing = length === undefined ? Infinity : Number(length);
      if (this.#missing === 0) return this.#end();
    }
    return true;
  }

  #chunkSize() {
    const line = this.#take("\r\n");
    if (line === undefined) return false;
    // The line end after a chunk's data is an empty line before the next size.
    if (line === "") return true;
    if (!/^[0-9a-f]+\s*(;|$)/i.test(line))
      return this.#fail(`not a chunk size: ${line.slice(0, 40)}`);
    this.#missing = Number.parseInt(line, 16);
    this.#state = this.#missing === 0 ? "trailer" : "body";
    this.chunked = true;
    return true;
  }

  #trailer() {
    const line = this.#take("\r\n");
    if (line === undefined) return false;
    return line === "" ? this.#end() : true;
  }

  #body() {
    if (this.#left.length === 0) return false;
    const taken = this.#left.subarray(0, Math.min(this.#left.length, this.#missing));
    this.#left = this.#left.subarray(taken.length);
    this.#missing -= taken.length;
    this.on.data(taken);
    if (this.#missing > 0) return true;
    if (!this.chunked) return this.#end();
    this.#state = "size";
    return true;
  }

  #end() {
    this.#state = "over";
    this.on.end();
    return false;
  }

  #fail(why) {
    this.#state = "over";
    this.on.broken(why);
    return false;
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    const exchange = exchanges.get(command.id);
    if (command.do === "open") open(command);
    else if (command.do === "write")
      exchange?.socket.write(Buffer.concat(command.body.map(bytesOf)));
    else if (command.do === "abort") exchange?.cut("aborted");
    else if (command.do === "pause") exchange?.socket.pause();
    else if (command.do === "resume") exchange?.socket.resume();
  })
  .on("close", () => process.exit(0));
report({
  event: "ready",
  node: process.version,
  baseUrl: base.href,
  hasCredential: credential !== "",
});
