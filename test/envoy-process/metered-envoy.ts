import { afterAll, beforeAll, beforeEach } from "vitest";
import { stream, usageOf } from "./answers.ts";
import { type Response, send } from "./client.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, terminate, TOKEN_A } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

/** What an answer of the meter's tests used. */
export const USAGE = { input_tokens: 100, output_tokens: 20 };
/** A stream that used it, whose texts look like parts of a stream. */
export const WHOLE = stream(USAGE, ['Hi "you"\n', "}\n\ndata: {}", "é🙂"]);
/** What {@link USAGE} costs, at 3 and 15 USD per million tokens. */
export const COST = 0.0006;
/** `open` adds no headers. */
export const POST = [
  ["Host", "gateway"],
  ["Content-Length", "0"],
] as const;
export const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
/** The configuration of {@link meteredEnvoy}. */
export const args = { ...terminate, routes: ["hello", "models"] } as const;

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Bytes that the upstream writes one after another. */
  readonly chunks: readonly (string | Buffer)[];
}

type Headers = (readonly [string, string])[];

/** Envoy with an upstream. It runs between `start` and `stop`. */
class MeteredEnvoy {
  #running: { readonly upstream: Upstream; readonly envoy: Envoy } | undefined;
  #requests = 0;

  async start(): Promise<void> {
    const upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
    const hosts = { "api.anthropic.com:443": upstream.port };
    this.#running = { upstream, envoy: await Envoy.start({ ...rendered(args), hosts }) };
  }

  async stop(): Promise<void> {
    await this.#running?.envoy.stop();
    await this.#running?.upstream.stop();
  }

  get upstream(): Upstream {
    return this.#parts().upstream;
  }

  get envoy(): Envoy {
    return this.#parts().envoy;
  }

  #parts() {
    if (this.#running === undefined) throw new Error("Envoy was not started");
    return this.#running;
  }

  /** Lets the upstream answer every request in the same way. */
  answerWith({ status = 200, headers = {}, chunks }: Answer): void {
    this.upstream.handle = (request, response) => {
      request.resume();
      request.on("end", () => {
        void (async () => {
          response.writeHead(status, { "content-type": "text/event-stream", ...headers });
          for (const chunk of chunks) {
            response.write(chunk);
            // So that TLS sends each chunk on its own.
            await new Promise(setImmediate);
          }
          response.end();
        })();
      });
    };
  }

  /** A session of its own for one request, by which the access log's line is found. */
  sessionHeaders(): { session: string; headers: Headers } {
    const session = `meter-${++this.#requests}`;
    return {
      session,
      headers: [
        ["x-api-key", TOKEN_A],
        ["x-claude-code-session-id", session],
      ],
    };
  }

  /** What the access log says about the usage of a session's request. */
  async usage(session: string): Promise<Record<string, unknown>> {
    return usageOf(await this.envoy.logged((line) => line.session_id === session));
  }

  /** Sends a request, and returns the response and what the access log says about its usage. */
  async metered(
    options: { method?: string; path?: string; headers?: Headers } = {},
  ): Promise<{ response: Response; usage: Record<string, unknown> }> {
    const { session, headers } = this.sessionHeaders();
    const response = await send(this.envoy.ports.agents, {
      ...options,
      headers: [...headers, ...(options.headers ?? [])],
    });
    return { response, usage: await this.usage(session) };
  }
}

/** An Envoy with an upstream that runs during a file's tests. */
export function useMeteredEnvoy(): MeteredEnvoy {
  const meter = new MeteredEnvoy();
  beforeAll(() => meter.start());
  afterAll(() => meter.stop());
  beforeEach(() => {
    meter.upstream.received.length = 0;
    meter.upstream.handle = undefined;
  });
  return meter;
}

/** A text's bytes in pieces. */
export function cut(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  const starts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => i * size);
  return starts.map((start) => bytes.subarray(start, start + size));
}
