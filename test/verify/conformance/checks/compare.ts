import { decodedSoFar } from "../client/content-encoding.ts";
import type { HeaderPair, RawResponse } from "../client/raw-client.ts";
import { kept, lost, type Outcome } from "./check.ts";
import { headerOf, type Relayed } from "./relay.ts";

/** Headers about one connection, one server or the time. Each hop may set its own. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "date",
  "host",
  "server",
]);

/** Headers of `sent` that are missing or changed in `received`, and headers that only `received` has. */
export function headerDifferences(
  sent: readonly HeaderPair[],
  received: readonly HeaderPair[],
): { readonly changed: string[]; readonly added: string[] } {
  const before = joined(sent);
  const after = joined(received);
  return {
    changed: [...before].flatMap(([name, value]) => {
      if (HOP_BY_HOP.has(name) || after.get(name) === value) return [];
      const now = after.get(name);
      return [now === undefined ? `${name} is missing` : `${name} became ${quoted(now)}`];
    }),
    added: [...after.keys()].filter((name) => !HOP_BY_HOP.has(name) && !before.has(name)),
  };
}

function joined(headers: readonly HeaderPair[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const before = result.get(key);
    result.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return result;
}

/** Whether the client got the upstream's answer with status, body and headers unchanged. */
export function judgeAnswer(relayed: Relayed): Outcome {
  const { response, record, requests } = relayed;
  const answered = record?.response;
  if (answered == null) return lost("not-relayed", "the upstream did not get the request");
  const { head, body, ended } = response;
  if (head === undefined || ended !== "end") {
    return lost("cut", `the client's answer ended with ${quoted(ended)}`);
  }
  if (head.status !== answered.status) {
    return lost("status", `status ${answered.status} became ${head.status}: ${excerpt(body)}`);
  }
  const sent = answerForClient(relayed);
  if (!body.equals(sent.body)) {
    const content = decoded(sent.headers, sent.body);
    return content !== undefined && decoded(head.headers, body)?.equals(content) === true
      ? lost("decompressed", "the same content, but no longer compressed")
      : lost("body", `the body ${excerpt(sent.body)} became ${excerpt(body)}`);
  }
  const { changed } = headerDifferences(sent.headers, head.headers);
  if (changed.length > 0) return lost("headers", changed.join("; "));
  if (requests !== 1) return lost("repeated", `the upstream got the request ${requests} times`);
  return kept(
    `status ${head.status}, ${body.length} bytes of body and ${answered.headers.length} headers arrived as sent; the upstream got one request`,
  );
}

/** A body without its content encoding; `undefined` if it does not have the encoding that its headers name. */
export function decoded(headers: readonly HeaderPair[], body: Buffer): Buffer | undefined {
  return decodedSoFar(headerOf(headers, "content-encoding"), body);
}

/**
 * The upstream's answer as the client should get it. A gateway may use other encodings with the upstream than the client
 * offered; then it must decode the content for the client.
 */
export function answerForClient({ record, responseBody, offered }: Relayed): {
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
} {
  const headers = record?.response?.headers ?? [];
  const encoding = headerOf(headers, "content-encoding");
  const content = decoded(headers, responseBody);
  if (encoding === undefined || content === undefined || offered.includes(encoding)) {
    return { headers, body: responseBody };
  }
  return {
    headers: headers.filter(([name]) => name.toLowerCase() !== "content-encoding"),
    body: content,
  };
}

/** The type of an error in Anthropic's shape; `undefined` for any other body. */
export function anthropicErrorType(body: Buffer): string | undefined {
  try {
    const parsed = JSON.parse(body.toString()) as { type?: unknown; error?: { type?: unknown } };
    return parsed.type === "error" && typeof parsed.error?.type === "string"
      ? parsed.error.type
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an answer is the gateway's own, in Anthropic's format, with one of the given pairs of status and type. */
export function judgeOwnError(
  { head, body, ended }: RawResponse,
  accepted: readonly (readonly [status: number, type: string])[],
): Outcome {
  if (head === undefined || ended !== "end") {
    return lost("no-answer", `the connection ended with ${quoted(ended)}`);
  }
  const type = anthropicErrorType(body);
  const seen = `${head.status} ${excerpt(body)}`;
  if (type === undefined) return lost("own-shape", `not in Anthropic's error format: ${seen}`);
  if (!accepted.some(([status, name]) => status === head.status && name === type)) {
    return lost("other-error", seen);
  }
  return kept(seen);
}

/** The beginning of a body, as one line. */
export function excerpt(body: Buffer | string, length = 160): string {
  const text = body.toString();
  return text.length > length ? `${quoted(text.slice(0, length))}…` : quoted(text);
}

export function quoted(text: string): string {
  return JSON.stringify(text);
}
