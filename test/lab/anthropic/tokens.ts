import type { ContentBlock } from "./messagesRequest.ts";

/**
 * Replaces Claude's tokenizer, which is not public: four characters are one token, and an image or a document has a fixed
 * number of tokens. Deterministic, so that tests can expect exact counts.
 */
const CHARACTERS_PER_TOKEN = 4;
const MEDIA_TOKENS = 1_600;

/** Tokens of a text. */
export function textTokens(text: string): number {
  return tokensOf(text.length);
}

/** Tokens of a text with that many characters. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

function isMedia(value: unknown): value is ContentBlock {
  if (typeof value !== "object" || value === null) return false;
  const { type } = value as Partial<ContentBlock>;
  return type === "image" || type === "document";
}

/** Tokens of a block, given its canonical text. */
export function blockTokens(block: Readonly<Record<string, unknown>>, canonical: string): number {
  if (isMedia(block)) return MEDIA_TOKENS;
  if (block.type === "tool_result" && Array.isArray(block.content) && block.content.some(isMedia)) {
    return block.content.reduce<number>(
      (sum, part) => sum + (isMedia(part) ? MEDIA_TOKENS : textTokens(JSON.stringify(part))),
      0,
    );
  }
  return textTokens(canonical);
}
