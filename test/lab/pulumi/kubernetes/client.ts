import type { KubeConfig } from "@kubernetes/client-node";
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { text } from "node:stream/consumers";
import type { PropertyMap } from "../provider/values.ts";
import { ApiError, ConnectionError } from "./errors.ts";

/** What client-go allows a request before it gives up. */
const MAX_RETRIES = 10;
const CONNECT_TIMEOUT_MS = 30_000;

/** One request to the API server. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/** Talks to one API server, with the patience and the error texts of client-go. */
export class ApiClient {
  readonly server: string;
  private readonly config: KubeConfig;
  private readonly timeoutMs: number | undefined;
  private agent: HttpsAgent | HttpAgent | undefined;

  constructor(config: KubeConfig, timeoutSeconds?: number) {
    this.config = config;
    this.server = (config.getCurrentCluster()?.server ?? "").replace(/\/$/, "");
    this.timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
  }

  /** Sends a request and returns the object that comes back. */
  async request(request: ApiRequest): Promise<PropertyMap> {
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await this.open(request);
        const body = await text(response);
        const code = response.statusCode ?? 0;
        if (code >= 200 && code < 300) return JSON.parse(body) as PropertyMap;
        const retryAfter = Number(response.headers["retry-after"]);
        if ((code === 429 || code >= 500) && retryAfter > 0 && attempt < MAX_RETRIES) {
          await sleep(retryAfter * 1000, undefined, {
            ...(request.signal && { signal: request.signal }),
          });
          continue;
        }
        throw new ApiError(code, body);
      } catch (error) {
        if (error instanceof ApiError) throw error;
        request.signal?.throwIfAborted();
        // As client-go: only a read that lost its connection is repeated, and no refused connection is.
        const lost = ["ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
        if (request.method === "GET" && lost && attempt < MAX_RETRIES) continue;
        throw this.connectionError(request, error);
      }
    }
  }

  /** Sends a watch and calls `onLine` with each object that comes; ends when the server ends it. */
  async stream(request: ApiRequest, onLine: (line: PropertyMap) => void): Promise<void> {
    const response = await this.open(request);
    if (response.statusCode !== 200) {
      throw new ApiError(response.statusCode ?? 0, await text(response));
    }
    response.setEncoding("utf8");
    let rest = "";
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onLine(JSON.parse(line) as PropertyMap);
    }
  }

  private url(request: ApiRequest): URL {
    const url = new URL(this.server + request.path);
    for (const [key, value] of Object.entries(request.query ?? {}))
      url.searchParams.set(key, value);
    return url;
  }

  private async open(request: ApiRequest): Promise<IncomingMessage> {
    const url = this.url(request);
    const secure = url.protocol === "https:";
    const options: RequestOptions = {};
    // Asked each time: a token from a file or a helper program does not last.
    await this.config.applyToHTTPSOptions(options);
    const tls = (options.agent as HttpsAgent | undefined)?.options;
    this.agent ??= secure
      ? new HttpsAgent({ ...tls, keepAlive: true })
      : new HttpAgent({ keepAlive: true });
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    request.signal?.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const call = (secure ? httpsRequest : httpRequest)(url, {
        ...options,
        agent: this.agent,
        method: request.method,
        headers: {
          ...(options.headers as OutgoingHttpHeaders | undefined),
          accept: request.accept ?? "application/json",
          "user-agent": "pulumi-kubernetes-stand-in",
          ...(body !== undefined && {
            "content-type": request.contentType ?? "application/json",
            "content-length": Buffer.byteLength(body),
          }),
        },
      });
      const timer = setTimeout(() => {
        call.destroy(new Error("i/o timeout"));
      }, this.timeoutMs ?? CONNECT_TIMEOUT_MS);
      call.on("response", (response) => {
        clearTimeout(timer);
        response.on("end", letGo).on("error", letGo);
        resolve(response);
      });
      // Not http's own `signal`: an abort just after the end of a response would destroy a connection on which
      // nobody listens for errors any more, and thereby end the process.
      const letGo = (): void => {
        request.signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        call.destroy();
      };
      request.signal?.addEventListener("abort", abort);
      call.on("error", (error) => {
        clearTimeout(timer);
        letGo();
        reject(error);
      });
      call.end(body);
    });
  }

  private connectionError(request: ApiRequest, error: unknown): Error {
    const cause = error as NodeJS.ErrnoException & { address?: string; port?: number };
    const verb = request.method.charAt(0) + request.method.slice(1).toLowerCase();
    const what =
      cause.code === "ECONNREFUSED"
        ? `dial tcp ${cause.address ?? ""}:${cause.port ?? ""}: connect: connection refused`
        : cause.message;
    return new ConnectionError(`${verb} "${this.url(request).href}": ${what}`, { cause: error });
  }
}
