const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Random characters that need not be secure. Must be cheap, because every answer needs some. */
function random(alphabet: string, length: number): string {
  let text = "";
  for (let left = length; left > 0; left--) {
    text += alphabet.charAt(Math.floor(Math.random() * alphabet.length));
  }
  return text;
}

/** An id in the API's format, for example `req_011C…`. */
export function identifier(prefix: "req" | "msg" | "toolu"): string {
  return `${prefix}_01${prefix === "req" ? "1C" : ""}${random(ALPHABET, 20)}`;
}

/** A request's id at Cloudflare. */
export function rayId(): string {
  return `${random("0123456789abcdef", 16)}-FRA`;
}

/** A request's trace id at Google's load balancer. */
export function traceId(): string {
  return random("0123456789abcdef", 32);
}
