import { placeOf } from "./reference.ts";
import type { Identity } from "./signature.ts";

/**
 * Who signs LiteLLM's images since 2026-11-15: a workflow, without a key. Releases before were signed with two keys in turn.
 * https://github.com/BerriAI/litellm/discussions/48242 and the notes of each release.
 */
export const litellmSigner: Identity = {
  workflow:
    "https://github.com/BerriAI/project-releaser/.github/workflows/release.yml@refs/heads/main",
  issuer: "https://token.actions.githubusercontent.com",
};

/** Where LiteLLM's signatures are. A mirror's copy has the same digest, so that the same signature fits it. */
export const litellmSignatures = placeOf("ghcr.io/berriai/litellm");
