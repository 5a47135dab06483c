// Checks of what a token endpoint answered.
import { CallError } from "./call.mjs";

/** No provider makes tokens that are good for longer. */
const MAX_LIFETIME_SECONDS = 86_400;

const MAX_TOKEN_LENGTH = 16 * 1024;

/** A token and its lifetime. Throws {@link CallError} if the answer has none that can be used. */
export function tokenOf({ host, dateSeconds }, token, lifetimeSeconds) {
  const unusable = (message) => new CallError(`${host} ${message}`, "unusable", { dateSeconds });
  if (
    typeof token !== "string" ||
    !/^[\x21-\x7e]+$/.test(token) ||
    token.length > MAX_TOKEN_LENGTH
  ) {
    throw unusable("answered without a token that a header can carry");
  }
  const fits = Number.isFinite(lifetimeSeconds) && lifetimeSeconds >= 1;
  if (!fits || lifetimeSeconds > MAX_LIFETIME_SECONDS) {
    throw unusable(
      `answered with a token for ${String(lifetimeSeconds).slice(0, 20)} s: expected 1 to ${MAX_LIFETIME_SECONDS} s`,
    );
  }
  return { token, lifetimeSeconds, dateSeconds };
}

/** Throws unless the token is a bearer token, or the answer does not say what it is. */
export function expectBearer({ host, json }) {
  if (json.token_type === undefined || String(json.token_type).toLowerCase() === "bearer") return;
  throw new CallError(`${host} answered with a token that is not a bearer token`, "unusable");
}
