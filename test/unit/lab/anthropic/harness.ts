import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AnthropicControl } from "../../../lab/anthropic/client.ts";
import { startFakeAnthropic, type FakeAnthropicOptions } from "../../../lab/anthropic/server.ts";

export const API_KEY = "sk-ant-api03-unit";
export const OAUTH_TOKEN = "sk-ant-oat01-unit";

/** A fake API on a free loopback port, with its control socket in its own folder. */
export async function startFake(options: FakeAnthropicOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), "anthropic-"));
  const socket = join(folder, "control.sock");
  const fake = await startFakeAnthropic({
    http: [{ host: "127.0.0.1", port: 0 }],
    control: socket,
    credentials: [API_KEY, OAUTH_TOKEN],
    ...options,
  });
  return {
    ...fake,
    port: fake.http[0]?.port ?? 0,
    url: `http://127.0.0.1:${fake.http[0]?.port ?? 0}`,
    control: new AnthropicControl(socket),
    stop: async () => {
      await fake.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The response as it was received. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The smallest request that gets an answer. */
export const SMALL = {
  model: "claude-sonnet-5-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "hello" }],
};

export const HEADERS = {
  "x-api-key": API_KEY,
  "anthropic-version": "2023-06-01",
  "content-type": "application/json",
};

/** One request on a new connection. */
export function call(port: number, given: Call = {}): Promise<Answer> {
  const { method = "POST", path = "/v1/messages", headers = HEADERS, body } = given;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", port, method, path, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(
      body === undefined || typeof body === "string" || Buffer.isBuffer(body)
        ? body
        : JSON.stringify(body),
    );
  });
}

/** The JSON of an answer. */
export function json(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body) as Record<string, unknown>;
}

/** `error.type` and `error.message` of an error answer. */
export function errorOf(answer: Answer): { type: string; message: string } {
  return (json(answer) as { error: { type: string; message: string } }).error;
}
