import type { GatewayVariant } from "../../components/gateway/variant.ts";
import type { Check, Theme } from "./checks/check.ts";

/** What a check is expected to find where it is not `pass`. */
export type Deviation =
  | {
      readonly status: "known-loss";
      /** The loss that the check names; another one fails. */
      readonly loss: string;
      readonly reason: string;
    }
  | { readonly status: "not-applicable"; readonly reason: string };

export type Expectation = { readonly status: "pass" } | Deviation;

/** Deviations of one path, by check or by whole theme. */
type Deviations = Readonly<Partial<Record<Check["id"] | Theme, Deviation>>>;

const notApplicable = (reason: string): Deviation => ({ status: "not-applicable", reason });

const knownLoss = (loss: string, reason: string): Deviation => ({
  status: "known-loss",
  loss,
  reason,
});

const PARSED = "LiteLLM parses the body and writes it anew";
const TAKEN =
  "LiteLLM takes fields of these names for settings of its own and does not pass them on";
const CLIENT = "LiteLLM's HTTP client";

/** What is lost wherever LiteLLM is in the path. */
const throughLiteLlm: Deviations = {
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

const NO_HTTP = notApplicable(
  "TLS passes through untouched: the gateway sees no HTTP, so it has no tokens, routes or answers of its own",
);

/**
 * The reviewed table of what a path cannot keep: check × path, `pass` wherever nothing is listed. A measurement
 * that differs from it, in either direction, fails.
 */
export const deviations: Readonly<Record<GatewayVariant, Deviations>> = {
  litellm: {
    ...throughLiteLlm,
    "own-errors.upstream-reset": knownLoss(
      "other-error",
      "bare LiteLLM answers 500, as if the API itself had failed, and says nothing about a retry",
    ),
  },
  shim: throughLiteLlm,
  "envoy-terminate": {},
  "envoy-sni": {
    "own-errors": NO_HTTP,
  },
  hybrid: throughLiteLlm,
};

/** What a check is expected to find on a path. A gateway that is not ours is expected to keep everything. */
export function expectationOf(path: GatewayVariant | "external", check: Check): Expectation {
  const table: Deviations = path === "external" ? {} : deviations[path];
  const theme = check.id.slice(0, check.id.indexOf(".")) as Theme;
  return table[check.id] ?? table[theme] ?? { status: "pass" };
}
