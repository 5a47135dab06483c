import { randomBytes } from "node:crypto";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** An identifier in the API's style: prefix, `011C`, and 20 base-58 characters. */
export function identifier(prefix: "req" | "msg" | "toolu"): string {
  let text = `${prefix}_01${prefix === "req" ? "1C" : ""}`;
  for (const byte of randomBytes(20)) text += ALPHABET.charAt(byte % ALPHABET.length);
  return text;
}
