import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "../lab/parts/certificates.ts";

/** A request as the upstream received it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  /** Header names as written, each with its value, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/**
 * Simulates the server behind Envoy. Unless a test sets `handle`, it reads every request to its end and answers with a small
 * JSON body.
 */
export class Upstream {
  readonly received: Received[] = [];
  handle: Handler | undefined;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
      void this.#serve(request, response);
    });
  }

  /** Listens on loopback, with TLS if a certificate is given. */
  static async start(certificate?: KeyPair): Promise<Upstream> {
    const server =
      certificate === undefined
        ? http.createServer()
        : https.createServer({
            cert: await readFile(certificate.certFile),
            key: await readFile(certificate.keyFile),
          });
    const upstream = new Upstream(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The only request that was received since the last call. */
  takeOne(): Received {
    const [request, ...more] = this.received.splice(0);
    if (request === undefined || more.length > 0) {
      throw new Error(
        `expected one request, received ${request === undefined ? 0 : more.length + 1}`,
      );
    }
    return request;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (this.handle !== undefined) {
      this.handle(request, response);
      return;
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const raw = request.rawHeaders;
    this.received.push({
      method: request.method ?? "",
      url: request.url ?? "",
      headers: raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ""] as const] : [])),
      body: Buffer.concat(chunks),
    });
    response.writeHead(200, { "Content-Type": "application/json", "request-id": "req_upstream" });
    response.end('{"ok": true}');
  }
}
