import { Agent, request } from "node:http";

import type { FederationRule } from "../tokens/anthropic.ts";
import { type ExchangeSummary, nowMs } from "./records.ts";
import type { ActiveScript, ScriptInput } from "./scripts.ts";

/** The answer of the health route. */
export interface Health {
  readonly ready: true;
  readonly pid: number;
  readonly recording: boolean;
  readonly records: number;
  readonly scripts: number;
}

const POLL_MS = 10;

/** Client of the fake API's control API, for tests. */
export class AnthropicControl {
  readonly #socketPath: string;

  /** `socketPath` is the server's `--control`. */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  health(): Promise<Health> {
    return this.#json<Health>("GET", "/health");
  }

  /** Resolves when the server answers. Fails if it does not answer within `timeoutMs`. */
  async ready(timeoutMs = 10_000): Promise<Health> {
    const deadline = nowMs() + timeoutMs;
    for (;;) {
      try {
        return await this.health();
      } catch (error) {
        if (nowMs() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  /** Clears records, scripts, gates, prompt cache and clock, and turns recording on. Credentials are kept. */
  reset(): Promise<unknown> {
    return this.#json("POST", "/reset");
  }

  /** Replaces the valid API keys and OAuth tokens. */
  setCredentials(credentials: readonly string[]): Promise<unknown> {
    return this.#json("PUT", "/credentials", { credentials });
  }

  /** Replaces the federation rules. Tokens that were made stay valid, and assertions stay used. */
  setFederationRules(rules: readonly FederationRule[]): Promise<unknown> {
    return this.#json("PUT", "/federation", rules);
  }

  /** Why exchanges of the token endpoint were refused, oldest first. A client does not see it. */
  async federationEvents(): Promise<string[]> {
    return (await this.#json<{ events: string[] }>("GET", "/federation")).events;
  }

  /** Adds scripts after the existing ones. Returns their numbers. */
  async push(...scripts: ScriptInput[]): Promise<number[]> {
    return (await this.#json<{ ids: number[] }>("POST", "/scripts", scripts)).ids;
  }

  /** The scripts, with how often each matched and answered. */
  scripts(): Promise<ActiveScript[]> {
    return this.#json<ActiveScript[]>("GET", "/scripts");
  }

  clearScripts(): Promise<unknown> {
    return this.#json("DELETE", "/scripts");
  }

  /** Opens the gate of that name: everything that waits at it, now or later, continues. */
  openGate(name: string): Promise<unknown> {
    return this.#json("POST", `/gates/${encodeURIComponent(name)}`);
  }

  /** The exchanges since the last clear with a number above `afterId`, oldest first. */
  records(afterId = 0): Promise<ExchangeSummary[]> {
    return this.#json<ExchangeSummary[]>("GET", `/records?after=${afterId}`);
  }

  clearRecords(): Promise<unknown> {
    return this.#json("DELETE", "/records");
  }

  /** Recording costs memory and time, so a benchmark turns it off. */
  setRecording(enabled: boolean): Promise<unknown> {
    return this.#json("PUT", "/recording", { enabled });
  }

  /** Waits for the first record that satisfies `predicate`, for example one that was aborted. */
  async waitFor(
    predicate: (record: ExchangeSummary) => boolean,
    timeoutMs = 10_000,
  ): Promise<ExchangeSummary> {
    const deadline = nowMs() + timeoutMs;
    for (;;) {
      const records = await this.records();
      const found = records.find(predicate);
      if (found !== undefined) return found;
      if (nowMs() > deadline) {
        const seen = records.map(({ method, url, state }) => `${method} ${url} ${state}`);
        throw new Error(
          `no matching exchange within ${timeoutMs} ms; seen: ${seen.join(", ") || "none"}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** The exact bytes of a request's body. */
  requestBody(id: number): Promise<Buffer> {
    return this.#call("GET", `/records/${id}/request`);
  }

  /** The exact bytes of a response's body, with its content encoding but without the transfer encoding. */
  responseBody(id: number): Promise<Buffer> {
    return this.#call("GET", `/records/${id}/response`);
  }

  /** The pieces of a response's body, each with the time when it was sent. */
  async responseFrames(id: number): Promise<{ readonly atMs: number; readonly bytes: Buffer }[]> {
    const record = (await this.records(id - 1)).find((candidate) => candidate.id === id);
    const body = await this.responseBody(id);
    let start = 0;
    return (record?.response?.frames ?? []).map(({ atMs, bytes }) => ({
      atMs,
      bytes: body.subarray(start, (start += bytes)),
    }));
  }

  /** Resets the idle connections. Returns how many there were. */
  async resetIdleConnections(): Promise<number> {
    return (await this.#json<{ reset: number }>("DELETE", "/connections")).reset;
  }

  /** Moves the clock of the prompt cache forward, so that entries expire. */
  advanceClock(advanceSeconds: number): Promise<unknown> {
    return this.#json("POST", "/clock", { advanceSeconds });
  }

  clearCache(): Promise<unknown> {
    return this.#json("DELETE", "/cache");
  }

  async #json<Result>(method: string, path: string, body?: unknown): Promise<Result> {
    return JSON.parse((await this.#call(method, path, body)).toString("utf8")) as Result;
  }

  #call(method: string, path: string, body?: unknown): Promise<Buffer> {
    // The server must not close first: Node writes an empty last piece after a large body, and if the server has answered and
    // closed by then, that write fails with EPIPE although the call succeeded.
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<Buffer>((resolve, reject) => {
      const call = request({ socketPath: this.#socketPath, method, path, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = Buffer.concat(chunks);
          if (response.statusCode === 200) {
            resolve(answer);
            return;
          }
          const { error } = JSON.parse(answer.toString("utf8")) as { error: string };
          reject(new Error(`${method} ${path}: ${error}`));
        });
      });
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return answer.finally(() => {
      agent.destroy();
    });
  }
}
