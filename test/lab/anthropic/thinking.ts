import { createHmac, randomBytes } from "node:crypto";

/** Constant, so that a conversation can continue after a restart of the server. */
const SIGNING_KEY = "fake-anthropic-thinking";
const NONCE_BYTES = 24;

function sign(nonce: Buffer, thinking: string): Buffer {
  return createHmac("sha256", SIGNING_KEY).update(nonce).update(thinking).digest();
}

/** The signature of a thinking block with that text, which is empty if the text was omitted. */
export function thinkingSignature(thinking: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  return Buffer.concat([nonce, sign(nonce, thinking)]).toString("base64");
}

/** Whether a block came back exactly as it was sent. Otherwise the API rejects it. */
export function signatureMatches(thinking: unknown, signature: unknown): boolean {
  if (typeof thinking !== "string" || typeof signature !== "string") return false;
  const bytes = Buffer.from(signature, "base64");
  const nonce = bytes.subarray(0, NONCE_BYTES);
  return (
    bytes.toString("base64") === signature &&
    bytes.subarray(NONCE_BYTES).equals(sign(nonce, thinking))
  );
}
