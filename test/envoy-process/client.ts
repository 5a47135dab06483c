import http from "node:http";
import net from "node:net";

/** What to send. */
export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  /** Pairs, so that a name can occur twice and in any case. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
  /** Keeps connections. Default: a new connection. */
  readonly agent?: http.Agent;
  /** Address on loopback from which it is sent. Default 127.0.0.1. */
  readonly localAddress?: string;
}

/** A complete response. */
export interface Response {
  readonly status: number;
  readonly reason: string;
  /** By lower-case name. */
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** Opens a request to a port on loopback. The caller ends it. */
export function open(port: number, options: RequestOptions = {}): http.ClientRequest {
  return http.request({
    host: "127.0.0.1",
    port,
    agent: options.agent ?? false,
    method: options.method ?? "POST",
    path: options.path ?? "/anthropic/v1/messages",
    headers: (options.headers ?? []).flat(),
    localAddress: options.localAddress ?? "127.0.0.1",
  });
}

/** Opens a request of the agent with that token. The caller ends it, and destroys it after the test. */
export function openAs(port: number, token: string, body: string): http.ClientRequest {
  return open(port, {
    headers: [
      ["Host", "gateway"],
      ["x-api-key", token],
      ["Content-Length", String(Buffer.byteLength(body))],
    ],
  });
}

/** Sends a request and reads the whole response. */
export async function send(port: number, options: RequestOptions = {}): Promise<Response> {
  const body = options.body ?? "";
  const headers = [
    ["Host", "gateway"] as const,
    ...(options.headers ?? []),
    ["Content-Length", String(Buffer.byteLength(body))] as const,
  ];
  const request = open(port, { ...options, headers });
  const response = responseOf(request);
  // Envoy may answer and close the connection while a large body is still being sent.
  request.on("error", () => undefined);
  request.end(body);
  return read(await response);
}

/** Sends bytes unchanged, and reads until the other side closes. */
export async function sendRaw(
  port: number,
  text: string,
): Promise<{ status: number; body: string }> {
  const socket = net.connect(port, "127.0.0.1");
  socket.write(text);
  let received = "";
  for await (const chunk of socket) received += (chunk as Buffer).toString();
  return {
    status: Number(/^HTTP\/1\.1 (\d+) /.exec(received)?.[1] ?? 0),
    body: received.slice(received.indexOf("\r\n\r\n") + 4),
  };
}

/** The response to a request, once its headers have arrived. */
export function responseOf(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
  });
}

/** Reads a response to its end. */
export async function read(response: http.IncomingMessage): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? "",
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body: Buffer.concat(chunks),
  };
}
