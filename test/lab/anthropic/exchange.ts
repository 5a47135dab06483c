import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

import { type Connection, peerOf } from "./connections.ts";
import { encoder, negotiated } from "./contentEncoding.ts";
import type { Encoder } from "./encoder.ts";
import { type ExchangeRecord, type ExchangeState, nowMs, type Records } from "./records.ts";
import type { Header } from "./header.ts";
import type { Usage } from "./usage.ts";

/** One request being answered: writes to the client and, if recording is on, to the record. */
export class Exchange {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #connection: Connection;
  readonly #records: Records;
  readonly #record: ExchangeRecord | undefined;
  #encoder: Encoder | undefined;
  #ended = false;
  readonly #onEnd: (() => void)[] = [];

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
    records: Records,
  ) {
    const url = request.url ?? "/";
    const [path = "/", query] = url.split("?", 2);
    this.request = request;
    this.#response = response;
    this.#connection = connection;
    this.#records = records;
    this.method = request.method ?? "GET";
    this.path = path;
    this.query = new URLSearchParams(query);
    const { socket } = request;
    this.#record = records.open({
      state: "receiving",
      connection: connection.id,
      peer: peerOf(socket),
      serverName: socket instanceof TLSSocket ? socket.servername || null : null,
      method: this.method,
      url,
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      body: Buffer.alloc(0),
      startedAtMs: nowMs(),
      receivedAtMs: null,
      endedAtMs: null,
      script: null,
      usage: null,
      response: null,
    });
    response.once("close", () => {
      this.#end(response.writableFinished ? "finished" : "aborted");
    });
  }

  /** Whether nobody reads any more, or everything was said. */
  get ended(): boolean {
    return this.#ended;
  }

  get headSent(): boolean {
    return this.#response.headersSent;
  }

  /** Calls back once, when the exchange is over for whatever reason. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback();
    else this.#onEnd.push(callback);
  }

  /** Keeps the exact bytes of the request. */
  received(body: Buffer): void {
    if (this.#record === undefined) return;
    this.#records.received(this.#record, body);
    // A refusal of a body over the limit is over before the body is.
    if (!this.#ended) this.#record.state = "answering";
  }

  /** Notes which script answers. */
  scriptedBy(script: number): void {
    if (this.#record !== undefined) this.#record.script = script;
  }

  /** Notes what the answer costs, as far as it has been sent. */
  costs(usage: Usage): void {
    if (this.#record !== undefined && !this.#ended) this.#record.usage = usage;
  }

  /**
   * Sends status and headers, with their names as given. The body that follows is chunked, and encoded as the
   * client offers unless the headers name an encoding.
   */
  head(status: number, headers: readonly Header[]): void {
    if (this.#ended) return;
    const encoding = headers.some(([name]) => name.toLowerCase() === "content-encoding")
      ? undefined
      : negotiated(this.request.headers["accept-encoding"]);
    if (encoding !== undefined) this.#encoder = encoder(encoding);
    this.#writeHead(status, [
      ...headers,
      ...(encoding === undefined ? [] : ([["Content-Encoding", encoding]] satisfies Header[])),
    ]);
    this.#response.flushHeaders();
  }

  /** Sends one piece of the body, so that the client can read all of it at once. */
  async frame(bytes: Buffer): Promise<void> {
    if (this.#ended || bytes.length === 0) return;
    this.#write(this.#encoder === undefined ? bytes : await this.#encoder.write(bytes));
  }

  /** Ends the body in the proper way. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    if (this.#encoder !== undefined) this.#write(await this.#encoder.end());
    this.#response.end();
  }

  /** Sends an answer of the API's own: head, body and end. */
  async answer(status: number, headers: readonly Header[], body: Buffer): Promise<void> {
    this.head(status, headers);
    await this.frame(body);
    await this.finish();
  }

  /** Sends exactly these headers, with the body's length, and these bytes. */
  exactly(status: number, headers: readonly Header[], body: Buffer): void {
    if (this.#ended) return;
    this.#writeHead(status, [...headers, ["Content-Length", String(body.length)]]);
    this.#write(body);
    this.#response.end();
  }

  #writeHead(status: number, headers: readonly Header[]): void {
    if (this.#record !== undefined) {
      this.#record.response = { status, headers, atMs: nowMs(), frames: [] };
    }
    // Said here, because Node would add how long the connection may be idle, which the API keeps to itself.
    const connection = this.#response.shouldKeepAlive ? "keep-alive" : "close";
    this.#response.writeHead(status, [...headers, ["Connection", connection]].flat());
  }

  // Nothing of an empty piece, which a chunked body would end with.
  #write(bytes: Buffer): void {
    if (this.#ended || bytes.length === 0 || this.method === "HEAD") return;
    this.#record?.response?.frames.push({ atMs: nowMs(), bytes });
    this.#response.write(bytes);
  }

  /** Ends the connection by a TCP reset, as a crashed peer or a middlebox would. */
  readonly reset = (): void => {
    this.#end("reset");
    this.#connection.transport.resetAndDestroy();
  };

  /** Closes the connection in the middle of the body, without its end. */
  readonly close = (): void => {
    this.#end("closed");
    this.#connection.transport.destroySoon();
  };

  #end(state: ExchangeState): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#record !== undefined) {
      this.#record.state = state;
      this.#record.endedAtMs = nowMs();
    }
    for (const callback of this.#onEnd) callback();
  }
}
