import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "../parts/certificates.ts";
import type { TokenAnswer, TokenEndpoint, TokenRequest } from "./http.ts";

/** What the server does with the next requests instead of answering. */
export interface Fault {
  /** `cut`: the endpoint serves the request, then the connection is closed without an answer. Or an answer of the test's. */
  readonly answer: "cut" | TokenAnswer;
  /** How many requests. Default all from now on. */
  readonly times?: number;
}

/** A stand-in of a token endpoint on loopback. */
export class TokenServer {
  readonly received: TokenRequest[] = [];
  /** Added to the clock that its `date` headers show, in seconds. */
  clockSeconds = 0;
  readonly #server: http.Server;
  readonly #secure: boolean;
  readonly #endpoint: TokenEndpoint;
  #fault: { readonly answer: Fault["answer"]; left: number } | undefined;

  private constructor(endpoint: TokenEndpoint, server: http.Server, secure: boolean) {
    this.#endpoint = endpoint;
    this.#server = server;
    this.#secure = secure;
    server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
      void this.#serve(request, response);
    });
  }

  /** Listens on loopback, with TLS if a certificate is given. */
  static async start(endpoint: TokenEndpoint, certificate?: KeyPair): Promise<TokenServer> {
    const server =
      certificate === undefined
        ? http.createServer()
        : https.createServer({
            cert: await readFile(certificate.certFile),
            key: await readFile(certificate.keyFile),
          });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TokenServer(endpoint, server, certificate !== undefined);
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http${this.#secure ? "s" : ""}://127.0.0.1:${port}`;
  }

  /** Host and port, as messages name them. */
  get host(): string {
    return new URL(this.url).host;
  }

  fail(fault: Fault): void {
    this.#fault = { answer: fault.answer, left: fault.times ?? Infinity };
  }

  mend(): void {
    this.#fault = undefined;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const request: TokenRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    this.received.push(request);
    const fault = this.#fault;
    if (fault !== undefined && --fault.left <= 0) this.#fault = undefined;
    if (fault?.answer === "cut") {
      await this.#endpoint(request);
      incoming.socket.destroy();
      return;
    }
    const { status, headers, body } = fault?.answer ?? (await this.#endpoint(request));
    response.writeHead(status, {
      "content-type": "application/json",
      date: new Date(Date.now() + this.clockSeconds * 1000).toUTCString(),
      ...headers,
    });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }
}
