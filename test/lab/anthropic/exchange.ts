import type { IncomingMessage, ServerResponse } from "node:http";
import { TLSSocket } from "node:tls";

import { type Connection, peerOf } from "./connections.ts";
import { type ExchangeRecord, type ExchangeState, nowMs, type Records } from "./records.ts";
import type { Header } from "./responseHeaders.ts";

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

  /** Sends status and headers, with their names as given. */
  head(status: number, headers: readonly Header[]): void {
    if (this.#ended) return;
    if (this.#record !== undefined) {
      this.#record.response = { status, headers, atMs: nowMs(), frames: [] };
    }
    this.#response.writeHead(status, headers.flat());
    this.#response.flushHeaders();
  }

  /** Sends one piece of the body; nothing of an empty one, which a chunked body would end with. */
  frame(bytes: Buffer): void {
    if (this.#ended || bytes.length === 0) return;
    this.#record?.response?.frames.push({ atMs: nowMs(), bytes });
    this.#response.write(bytes);
  }

  /** Sends head, whole body and end in one go. */
  whole(status: number, headers: readonly Header[], body: Buffer): void {
    if (this.#ended) return;
    const all: Header[] = [...headers, ["Content-Length", String(body.length)]];
    if (this.#record !== undefined) {
      const atMs = nowMs();
      const silent = this.method === "HEAD" || body.length === 0;
      const frames = silent ? [] : [{ atMs, bytes: body }];
      this.#record.response = { status, headers: all, atMs, frames };
    }
    this.#response.writeHead(status, all.flat());
    this.#response.end(body);
  }

  /** Ends the body in the proper way. */
  finish(): void {
    if (!this.#ended) this.#response.end();
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
