// The assertion: a token of the pod's service account, which the kubelet writes to a file and replaces before it ends.
import { createHash } from "node:crypto";

/** Anthropic takes no longer one. */
const MAX_BYTES = 16 * 1024;

/** Clocks that differ by less are not mentioned. */
const TOLERANCE_SECONDS = 30;

/** Reads an assertion. Throws an error that says what is wrong with the file, and never shows it. */
export function readAssertion(fs, file) {
  const text = textOf(fs, file);
  if (text === "") throw new Error(`the assertion file ${file} is empty`);
  if (text.length > MAX_BYTES) {
    throw new Error(`the assertion file ${file} is longer than ${MAX_BYTES} bytes`);
  }
  const [header, payload] = text.split(".").slice(0, 2).map(decoded);
  if (text.split(".").length !== 3 || header === undefined || payload === undefined) {
    throw new Error(`the assertion file ${file} contains no JSON Web Token`);
  }
  const { iss, sub, aud, iat, nbf, exp } = payload;
  return {
    text,
    digest: createHash("sha256").update(text).digest("hex"),
    claims: { iss, sub, aud, iat, nbf, exp, kid: header.kid },
  };
}

/** What is wrong with an assertion's times by the clock of this node, if anything. */
export function timeProblem({ iat, nbf = iat, exp }, nowSeconds) {
  if (nbf !== undefined && nbf - nowSeconds > TOLERANCE_SECONDS) {
    const behind = Math.round(nbf - nowSeconds);
    return `the assertion is valid only ${behind} s from now by this node's clock: the clock is behind, set it`;
  }
  if (exp !== undefined && nowSeconds > exp) {
    const ago = Math.round(nowSeconds - exp);
    return `the assertion ended ${ago} s ago by this node's clock: the clock is ahead, or the kubelet renews no tokens`;
  }
  return undefined;
}

/** How far this node's clock is from the endpoint's, if that is worth a word. */
export function clockProblem(dateSeconds, nowSeconds) {
  if (dateSeconds === undefined) return undefined;
  const ahead = Math.round(nowSeconds - dateSeconds);
  if (Math.abs(ahead) <= TOLERANCE_SECONDS) return undefined;
  const side = ahead > 0 ? "ahead of" : "behind";
  return `this node's clock is ${Math.abs(ahead)} s ${side} the endpoint's: set it`;
}

function textOf(fs, file) {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new Error(`the assertion file ${file} cannot be read (${error.code})`, { cause: error });
  }
}

function decoded(part) {
  try {
    const json = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
