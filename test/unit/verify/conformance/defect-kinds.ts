/** Ways in which a gateway can change what it relays. */

import { gunzipSync } from "node:zlib";
import type { HeaderPair } from "../../../verify/conformance/client/raw-client.ts";
import type { Defect } from "./model-gateway.ts";

type Json = Record<string, unknown>;

const wrapped = (body: Buffer) =>
  Buffer.from(
    JSON.stringify({
      error: { message: body.toString(), type: "None", param: "None", code: "529" },
    }),
  );
export const wrapsErrors: Defect = {
  responseBody: (body, status) => (status >= 400 ? wrapped(body) : body),
};
export const wrapsOwn: Defect = {
  ownError: (_, type) => JSON.stringify({ error: { message: type, type: "auth_error" } }),
};

/** Changes a request's JSON body, if it is JSON. */
export function request(change: (body: Json) => Json): Defect {
  return {
    requestBody: (body) => {
      try {
        return Buffer.from(JSON.stringify(change(JSON.parse(body.toString()) as Json)));
      } catch {
        return body;
      }
    },
  };
}

export function answer(change: (text: string) => string): Defect {
  return { responseBody: (body) => Buffer.from(change(body.toString())) };
}

export function requestHeaders(change: (headers: readonly HeaderPair[]) => HeaderPair[]): Defect {
  return { requestHeaders: (headers) => change(headers) };
}

export function without(pattern: RegExp) {
  return (headers: readonly HeaderPair[]) => headers.filter(([name]) => !pattern.test(name));
}

export function replaced(pattern: RegExp, value: (text: string) => string) {
  return (headers: readonly HeaderPair[]) =>
    headers.map(([name, text]) => [name, pattern.test(name) ? value(text) : text] as const);
}

const KNOWN = new Set(["model", "max_tokens", "messages", "stream", "tools", "thinking"]);
export const allowlisted = request((body) =>
  Object.fromEntries(Object.entries(body).filter(([key]) => KNOWN.has(key))),
);
export const textChanged = (from: string | RegExp, to: string): Defect => ({
  requestBody: (body) => Buffer.from(body.toString().replace(from, to)),
});
export const holdsBack: Defect = { responseBody: (body) => body };
export const truncates = (bytes: number): Defect => ({
  responseBody: (body) => body.subarray(0, bytes),
});
export const decompresses: Defect = {
  responseBody: (body) => (body[0] === 0x1f ? gunzipSync(body) : body),
  responseHeaders: without(/^content-encoding$/i),
};
export const ignores: Defect = { ignoresDisconnect: true };
export const tooSmall: Defect = {
  refuses: (body) => (body.length > 500_000 ? 413 : undefined),
};
