import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

import { type Connection, peerOf } from "./connections.ts";
import { encoder, negotiated } from "./contentEncoding.ts";
import type { Encoder } from "./encoder.ts";
import { type ExchangeRecord, type ExchangeState, nowMs, type Records } from "./records.ts";
import type { Header } from "./header.ts";
import type { Usage } from "./usage.ts";

/** One request and its answer. Writes to the client and, if recording is on, to the record. */
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

  /** Whether the client has disconnected or the answer is complete. */
  get ended(): boolean {
    return this.#ended;
  }

  get headSent(): boolean {
    return this.#response.headersSent;
  }

  /** Calls back once, when the exchange has ended for whatever reason. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback();
    else this.#onEnd.push(callback);
  }

  /** Records the exact bytes of the request. */
  received(body: Buffer): void {
    if (this.#record === undefined) return;
    this.#records.received(this.#record, body);
    // When a body over the limit is rejected, the exchange ends before the body does.
    if (!this.#ended) this.#record.state = "answering";
  }

  /** Records which script answers. */
  scriptedBy(script: number): void {
    if (this.#record !== undefined) this.#record.script = script;
  }

  /** Records the usage of the answer, as far as it has been sent. */
  costs(usage: Usage): void {
    if (this.#record !== undefined && !this.#ended) this.#record.usage = usage;
  }

  /**
   * Sends status and headers, with header names as given. The body that follows is chunked. Its encoding is one that the
   * client accepts, unless the headers name an encoding.
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

  /** Sends one piece of the body, flushed so that the client can read all of it at once. */
  async frame(bytes: Buffer): Promise<void> {
    if (this.#ended || bytes.length === 0) return;
    this.#write(this.#encoder === undefined ? bytes : await this.#encoder.write(bytes));
  }

  /** Ends the body properly. */
  async finish(): Promise<void> {
    if (this.#ended) return;
    if (this.#encoder !== undefined) this.#write(await this.#encoder.end());
    this.#response.end();
  }

  /** Sends one of the API's own answers: head, body and end. */
  async answer(status: number, headers: readonly Header[], body: Buffer): Promise<void> {
    this.head(status, headers);
    await this.frame(body);
    await this.finish();
  }

  /** Sends exactly these headers and bytes, plus the body's length. */
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
    // Set explicitly, because otherwise Node adds a Keep-Alive header with its idle timeout, which the API does not send.
    const connection = this.#response.shouldKeepAlive ? "keep-alive" : "close";
    this.#response.writeHead(status, [...headers, ["Connection", connection]].flat());
  }

  // Skip an empty piece: in a chunked body it would mark the end.
  #write(bytes: Buffer): void {
    if (this.#ended || bytes.length === 0 || this.method === "HEAD") return;
    this.#record?.response?.frames.push({ atMs: nowMs(), bytes });
    this.#response.write(bytes);
  }

  /** Ends the connection with a TCP reset, as after a crash of the peer or in a middlebox. */
  readonly reset = (): void => {
    this.#end("reset");
    this.#connection.transport.resetAndDestroy();
  };

  /** Closes the connection during the body, without the body's end. */
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
