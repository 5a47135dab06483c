// One request to a token endpoint, and what can go wrong with it.
import http from "node:http";
import https from "node:https";
import { clearTimeout, setTimeout } from "node:timers";
import { URL } from "node:url";

const TIMEOUT_SECONDS = 10;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TEXT = 300;

/** A request that brought no token. The message is one line without any secret. */
export class CallError extends Error {
  /**
   * @param message what happened
   * @param outcome what the endpoint made of the request:
   *   `unsent` nothing, because it did not get there;
   *   `busy` nothing, as its answer says (408, 429, 5xx);
   *   `refused` it says no (other 4xx);
   *   `unusable` its answer cannot be used;
   *   `lost` unknown, because the answer did not arrive
   * @param status of the answer, if there is one
   * @param retryAfterSeconds what the answer asks for
   * @param dateSeconds the endpoint's clock, in Unix seconds
   */
  constructor(message, outcome, { status, retryAfterSeconds, dateSeconds } = {}) {
    super(message);
    this.outcome = outcome;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.dateSeconds = dateSeconds;
  }
}

/**
 * Sends a POST request with a JSON body. Returns the answer if it is 2xx and JSON, else throws {@link CallError}. It
 * follows no redirect, because that would show the assertion to another host.
 */
export async function call({ url, headers, body, timeoutSeconds = TIMEOUT_SECONDS }) {
  const { host, protocol } = new URL(url);
  const answer = await request(url, headers, JSON.stringify(body), timeoutSeconds);
  const { status, text } = answer;
  const dateSeconds = secondsOf(answer.headers.date);
  const found = { status, dateSeconds, retryAfterSeconds: wait(answer.headers["retry-after"]) };
  const json = parsed(text);
  if (status >= 300 && status < 400) {
    const message = `${host} answered with a redirect (${status}), which is not followed: check the endpoint ${protocol}//${host}`;
    throw new CallError(message, "unusable", found);
  }
  if (status >= 200 && status < 300) {
    if (json !== undefined) return { host, json, dateSeconds };
    throw new CallError(`${host} answered ${status} with text that is not JSON`, "unusable", found);
  }
  const busy = status === 408 || status === 429 || status >= 500;
  const message = `${host} ${busy ? "cannot serve now" : "refused"} (${status}${reason(json)})`;
  throw new CallError(message, busy ? "busy" : "refused", found);
}

/** Removes what could be a token or an assertion, and what would break a line. */
export function harmless(text) {
  return String(text)
    .replaceAll(/[\w.~+/=-]{40,}/g, "…")
    .replaceAll(/[^\x20-\x7e…]+/g, " ")
    .slice(0, MAX_TEXT);
}

function request(url, headers, body, timeoutSeconds) {
  const { protocol, host, hostname } = new URL(url);
  if (protocol !== "https:" && !["127.0.0.1", "[::1]", "localhost"].includes(hostname)) {
    throw new CallError(`the endpoint ${host} is not https: set one that is`, "unsent");
  }
  return new Promise((resolve, reject) => {
    let sent = false;
    const fail = (error) => {
      const why = harmless(error.message || error.code);
      if (sent) reject(new CallError(`no answer from ${host} (${why})`, "lost"));
      else reject(new CallError(`${host} cannot be reached (${why})`, "unsent"));
    };
    const secure = protocol === "https:";
    const outgoing = (secure ? https : http).request(url, {
      method: "POST",
      agent: false,
      headers: {
        "user-agent": "claude-gateway-mint",
        "content-type": "application/json",
        accept: "application/json",
        ...headers,
        "content-length": Buffer.byteLength(body),
      },
    });
    outgoing.on("socket", (socket) =>
      socket.once(secure ? "secureConnect" : "connect", () => (sent = true)),
    );
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`waited ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    outgoing.on("close", () => clearTimeout(timer));
    outgoing.on("error", fail);
    outgoing.on("response", (incoming) => {
      const chunks = [];
      let size = 0;
      incoming.on("data", (chunk) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > MAX_ANSWER_BYTES) {
          const message = `${host} answered with more than ${MAX_ANSWER_BYTES} bytes`;
          reject(new CallError(message, "unusable", { status: incoming.statusCode }));
          outgoing.destroy();
        }
      });
      incoming.on("error", fail);
      incoming.on("end", () =>
        resolve({
          status: incoming.statusCode,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString("utf8"),
        }),
      );
    });
    outgoing.end(body);
  });
}

function parsed(text) {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

/** The error's code and text: OAuth's, Anthropic's, Google's or GitHub's. Nothing else of the answer is shown. */
function reason(json) {
  const error = json?.error;
  const nested = typeof error === "object" && error !== null ? error : {};
  const code = typeof error === "string" ? error : (nested.type ?? nested.status);
  const text = json?.error_description ?? nested.message ?? json?.message;
  const shown = [code, text].filter((part) => part !== undefined).map(harmless);
  return shown.length === 0 ? "" : ` ${shown.join(": ")}`;
}

function secondsOf(date) {
  const milliseconds = Date.parse(date ?? "");
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** Seconds of a `retry-after` header. */
function wait(text) {
  const seconds = Number(text ?? "none");
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
