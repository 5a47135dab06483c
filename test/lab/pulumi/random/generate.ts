import { randomBytes, randomInt } from "node:crypto";

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** The characters that a random string consists of. */
export interface Alphabet {
  readonly length: number;
  readonly lower: boolean;
  readonly minLower: number;
  readonly upper: boolean;
  readonly minUpper: number;
  readonly numeric: boolean;
  readonly minNumeric: number;
  readonly special: boolean;
  readonly minSpecial: number;
  readonly overrideSpecial: string;
}

/** A string of `length` characters with at least the required number of each class. */
export function randomString(alphabet: Alphabet): string {
  const special = alphabet.overrideSpecial || SPECIAL;
  const all =
    (alphabet.upper ? UPPER : "") +
    (alphabet.lower ? LOWER : "") +
    (alphabet.numeric ? NUMERIC : "") +
    (alphabet.special ? special : "");
  if (all === "") throw new Error("the character set specified is empty");
  const characters = [
    ...pick(NUMERIC, alphabet.minNumeric),
    ...pick(LOWER, alphabet.minLower),
    ...pick(UPPER, alphabet.minUpper),
    ...pick(special, alphabet.minSpecial),
  ];
  characters.push(...pick(all, alphabet.length - characters.length));
  return shuffle(characters).join("");
}

/** The forms of a random id. All except `id` start with `prefix`. */
export function randomId(byteLength: number, prefix: string): Record<string, string> {
  const bytes = randomBytes(byteLength);
  const id = bytes.toString("base64url");
  return {
    id,
    b64Url: prefix + id,
    b64Std: prefix + bytes.toString("base64"),
    hex: prefix + bytes.toString("hex"),
    dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
  };
}

function pick(characters: string, count: number): string[] {
  const set = Array.from(characters);
  return Array.from({ length: count }, () => set[randomInt(set.length)] ?? "");
}

function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}
