import { lt, valid } from "semver";
import { isFloating, parseImageReference } from "../../schema/image.ts";
import type { CredentialKind } from "../api/credentials.ts";
import type { Variant } from "../paths/variant.ts";

/** What a config asks of a LiteLLM image. */
export interface ReleaseDemand {
  readonly image: string;
  readonly variant: Variant;
  readonly credentialKind: CredentialKind;
  /** A spike may try a floating tag; a gateway stack may not. */
  readonly spike: boolean;
}

interface ReleaseRule {
  /** The first release that has what the rule is about. */
  readonly since: string;
  readonly applies: (demand: ReleaseDemand) => boolean;
  readonly reason: string;
}

/**
 * What LiteLLM's releases can and cannot do, newest demand last. Read in the wheels and run side by side
 * for 1.91.0, 1.92.0, 1.100.0, 1.106.2, 1.109.1 and 1.110.2.
 */
const RULES: readonly ReleaseRule[] = [
  {
    since: "1.53.1",
    applies: () => true,
    reason:
      "has no /anthropic/{endpoint} passthrough, only the /v1/messages adapter, which this stack never uses",
  },
  {
    since: "1.92.0",
    applies: ({ variant }) => variant.litellm === "called-by-agents",
    reason:
      "wraps upstream errors in an envelope of its own, so Claude Code's retries break; use path shim, or a newer release",
  },
  {
    since: "1.103.0",
    applies: ({ variant }) => variant.litellm === "called-by-agents",
    reason:
      "forwards the agent's own token to the upstream; use path shim, which strips it, or a newer release",
  },
  {
    since: "1.109.0",
    applies: ({ credentialKind }) => credentialKind === "oauth",
    reason: "does not merge the OAuth beta header for an OAuth credential",
  },
];

/** Why the LiteLLM image cannot serve the config, with the fix; `undefined` when it can. */
export function liteLlmReleaseProblem(demand: ReleaseDemand): string | undefined {
  if (demand.variant.litellm === undefined) return undefined;
  const reference = parseImageReference(demand.image);
  if (reference === undefined) return undefined;
  if (isFloating(reference)) {
    if (demand.spike) return undefined;
    return "floats: name an exact release, as ghcr.io/berriai/litellm:v1.109.1 (a spike may float)";
  }
  const release = valid(reference.tag?.replace(/^main-/, "").replace(/-(stable|nightly).*$/, ""));
  if (release === null) {
    return "does not tell its release: add the release's tag before the digest, as litellm:v1.109.1@sha256:…";
  }
  const broken = RULES.find(({ since, applies }) => applies(demand) && lt(release, since));
  return broken && `${broken.reason} (fixed by ${broken.since})`;
}
