import type { Deviation } from "./variant.ts";

function knownLoss(loss: string, reason: string): Deviation {
  return { status: "known-loss", loss, reason };
}

const PARSED = "LiteLLM parses the body and writes it again";
const TAKEN =
  "LiteLLM treats fields with these names as its own settings and does not pass them on";
const CLIENT = "LiteLLM's HTTP client";

/** What every path with LiteLLM changes or loses. */
export const litellmLosses: Readonly<Record<string, Deviation>> = {
  "body.bytes": knownLoss("re-encoded", `${PARSED}: the same JSON in other bytes`),
  "body.numbers": knownLoss("rounded", `${PARSED}, with numbers rounded to 64-bit floating point`),
  "body.lone-surrogate": knownLoss("refused", `${PARSED}, and refuses half of a surrogate pair`),
  "body.metadata-all": knownLoss("dropped", "LiteLLM keeps only metadata.user_id"),
  "body.reserved-names": knownLoss("dropped", TAKEN),
  "body.chunked": knownLoss(
    "refused",
    "LiteLLM sends both Transfer-Encoding and Content-Length, which the API refuses; Claude Code sends a length, so it is not affected",
  ),
  "body.compressed": knownLoss("decompressed", "LiteLLM decompresses requests to read them"),
  "body.gzip-request": knownLoss("decompressed", "LiteLLM decompresses requests to read them"),
  "body.answer-compressed": knownLoss("decompressed", `${CLIENT} decompresses answers`),
  "body.answer-stream-compressed": knownLoss(
    "decompressed",
    `${CLIENT} asks the API for gzip or deflate, whatever the agent accepts, and decompresses streams event by event`,
  ),
  "headers.query-unknown": knownLoss("changed", "LiteLLM parses the query and writes it again"),
  "headers.betas-in-lines": knownLoss(
    "changed",
    "LiteLLM keeps only one line of a repeated header; Claude Code sends only one",
  ),
  "headers.accept-encoding": knownLoss(
    "changed",
    `${CLIENT} asks for the encodings that it can decompress`,
  ),
  "headers.many-response-headers": knownLoss(
    "changed",
    `${CLIENT} refuses an answer with 150 headers more than the API's usual ones`,
  ),
  "headers.answer-server": knownLoss("changed", "LiteLLM drops the Server header"),
  "headers.answer-nothing-added": knownLoss(
    "added",
    "LiteLLM adds its own headers to every answer",
  ),
};

/** What LiteLLM changes or loses when agents call it directly. */
export const bareLitellmLosses: Readonly<Record<string, Deviation>> = {
  ...litellmLosses,
  cost: {
    status: "not-applicable",
    reason:
      "no Envoy sees the answers, and LiteLLM's own budgets need a database, which is not deployed",
  },
  "body.gzip-request": {
    status: "not-applicable",
    reason:
      "Claude Code compresses only behind the API's host name, so the gateway has to be its HTTP proxy here, which LiteLLM cannot be; body.compressed shows that it decompresses",
  },
  "own-errors.upstream-reset": knownLoss(
    "other-error",
    "LiteLLM without the shim answers 500, as if the API itself had failed, and does not send x-should-retry",
  ),
};

/** `portability` of every path with LiteLLM. */
export const LITELLM_PORTABILITY =
  "Within reach: LiteLLM is in the path; its routes to other providers are closed.";
