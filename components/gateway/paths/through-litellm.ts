import type { Deviation } from "./variant.ts";

function knownLoss(loss: string, reason: string): Deviation {
  return { status: "known-loss", loss, reason };
}

const PARSED = "LiteLLM parses the body and writes it anew";
const TAKEN =
  "LiteLLM takes fields of these names for settings of its own and does not pass them on";
const CLIENT = "LiteLLM's HTTP client";

/** What is lost wherever LiteLLM is in the path. */
export const litellmLosses: Readonly<Record<string, Deviation>> = {
  "body.bytes": knownLoss("re-encoded", `${PARSED}: the same JSON in other bytes`),
  "body.numbers": knownLoss("rounded", `${PARSED}, with numbers as 64-bit floating point`),
  "body.lone-surrogate": knownLoss("refused", `${PARSED}, and refuses half a character`),
  "body.metadata-all": knownLoss("dropped", "LiteLLM keeps metadata.user_id and no other entry"),
  "body.reserved-names": knownLoss("dropped", TAKEN),
  "body.chunked": knownLoss(
    "refused",
    "LiteLLM passes Transfer-Encoding on beside a Content-Length, which the API refuses; Claude Code sends a length",
  ),
  "body.compressed": knownLoss("decompressed", "LiteLLM unpacks requests to read them"),
  "body.answer-compressed": knownLoss("decompressed", `${CLIENT} unpacks answers`),
  "body.answer-stream-compressed": knownLoss(
    "decompressed",
    `${CLIENT} asks the API for gzip or deflate, whatever the agent offers, and unpacks streams event by event`,
  ),
  "headers.query-unknown": knownLoss("changed", "LiteLLM parses the query and writes it anew"),
  "headers.betas-in-lines": knownLoss(
    "changed",
    "LiteLLM keeps one line of a repeated header; Claude Code sends one",
  ),
  "headers.accept-encoding": knownLoss(
    "changed",
    `${CLIENT} asks for the encodings that it can unpack`,
  ),
  "headers.answer-server": knownLoss("changed", "LiteLLM leaves Server out"),
  "headers.answer-nothing-added": knownLoss(
    "added",
    "LiteLLM adds headers of its own to every answer",
  ),
};

/** What bare LiteLLM loses besides. */
export const bareLitellmLosses: Readonly<Record<string, Deviation>> = {
  ...litellmLosses,
  "own-errors.upstream-reset": knownLoss(
    "other-error",
    "bare LiteLLM answers 500, as if the API itself had failed, and says nothing about a retry",
  ),
};

/** Answers in the decision table wherever LiteLLM is in the path. */
export const litellmDecision = {
  costCeiling: "Not yet: LiteLLM's budgets need a database, which is not deployed.",
  portability: "Within reach: LiteLLM is in the path; its routes to other providers are closed.",
  observability:
    "Partly: LiteLLM counts tokens and cost of every request for callbacks, of which none is configured; its log names requests only.",
} as const;
