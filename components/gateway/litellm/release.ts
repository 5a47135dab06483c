import { lt, valid } from "semver";
import { isFloating, parseImageReference } from "../../schema/image.ts";
import type { CredentialKind } from "../api/credentials.ts";
import type { Variant } from "../paths/variant.ts";

/** What a config needs from a LiteLLM image. */
export interface ReleaseDemand {
  readonly image: string;
  readonly variant: Variant;
  readonly credentialKind: CredentialKind;
  /** A spike may use a moving tag; a gateway stack may not. */
  readonly spike: boolean;
}

interface ReleaseRule {
  /** The first release without the problem. */
  readonly since: string;
  readonly applies: (demand: ReleaseDemand) => boolean;
  readonly reason: string;
}

/**
 * Problems of LiteLLM's releases, oldest first. Found by reading and running 1.91.0, 1.92.0, 1.100.0, 1.106.2, 1.109.1
 * and 1.110.2.
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
      "wraps upstream errors in its own format, which breaks Claude Code's retries; use path shim, or a newer release",
  },
  {
    since: "1.103.0",
    applies: ({ variant }) => variant.litellm === "called-by-agents",
    reason:
      "forwards the agent's own token to the upstream; use path shim, which strips it, or a newer release",
  },
  {
    since: "1.109.0",
    applies: ({ variant, credentialKind }) =>
      variant.litellm === "called-by-agents" && credentialKind === "oauth",
    reason:
      "does not merge the OAuth beta header for an OAuth credential; use path shim, or a newer release",
  },
];

/** Why the LiteLLM image cannot serve the config, and the fix. `undefined` when it can. */
export function liteLlmReleaseProblem(demand: ReleaseDemand): string | undefined {
  if (demand.variant.litellm === undefined) return undefined;
  const reference = parseImageReference(demand.image);
  if (reference === undefined) return undefined;
  if (isFloating(reference)) {
    if (demand.spike) return undefined;
    return "has no exact release: name one, for example ghcr.io/berriai/litellm:v1.109.1 (only a spike may use a moving tag)";
  }
  const release = valid(reference.tag?.replace(/^main-/, "").replace(/-(stable|nightly).*$/, ""));
  if (release === null) {
    return "does not say which release it is: add the release's tag before the digest, for example litellm:v1.109.1@sha256:…";
  }
  const broken = RULES.find(({ since, applies }) => applies(demand) && lt(release, since));
  return broken && `${broken.reason} (fixed by ${broken.since})`;
}
