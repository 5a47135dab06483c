/**
 * Simulates an OTLP/HTTP receiver, such as OpenTelemetry's collector. It keeps what arrives in memory and exports nothing. It is
 * as strict as the specification: POST only, protobuf or JSON, 415 for another type, 400 for a body that it cannot read.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type http from "node:http";
import { gunzipSync } from "node:zlib";
import { fromJson, fromProtobuf, type Item, type Signal } from "./messages.ts";

/** An accepted request. */
export interface Export {
  readonly path: string;
  /** By lower-case name. */
  readonly headers: http.IncomingHttpHeaders;
  readonly items: readonly Item[];
}

/** The limit of the collector is 20 MiB. */
const MAX_BYTES = 20 * 1024 * 1024;

/** What the receiver has accepted since the last `DELETE /exports`, which is the only thing that is not OTLP. */
export class Receiver {
  readonly exports: Export[] = [];

  /** A listener of `request` events. Every path that ends with a signal's is one, since receivers have base paths. */
  readonly serve = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, type, text } = this.#answer(request, Buffer.concat(chunks));
      response.writeHead(status, { "content-type": type }).end(text);
    });
  };

  #answer(request: http.IncomingMessage, body: Buffer): Answer {
    const path = request.url ?? "";
    if (path === "/exports" && request.method === "GET")
      return json(200, JSON.stringify(this.exports));
    if (path === "/exports" && request.method === "DELETE") {
      this.exports.length = 0;
      return json(200, "{}");
    }
    const signal = /\/v1\/(logs|metrics)$/.exec(path)?.[1] as Signal | undefined;
    if (signal === undefined) return json(404, "{}");
    if (request.method !== "POST") return json(405, "{}");
    if (body.length > MAX_BYTES) return json(413, "{}");
    const type = request.headers["content-type"] ?? "";
    const binary = type === "application/x-protobuf";
    if (!binary && !/^application\/json(;|$)/.test(type)) return json(415, "{}");
    try {
      const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
      const items = binary ? fromProtobuf(signal, plain) : fromJson(signal, plain.toString());
      this.exports.push({ path, headers: request.headers, items });
    } catch (error) {
      return json(400, JSON.stringify({ code: 3, message: String(error) }));
    }
    // An empty message says that everything was accepted.
    return binary ? { status: 200, type, text: "" } : json(200, "{}");
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function json(status: number, text: string): Answer {
  return { status, type: "application/json", text };
}
