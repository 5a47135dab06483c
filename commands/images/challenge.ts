/** What a registry wants before it answers: a token from `realm`. https://distribution.github.io/distribution/spec/auth/token/ */
export interface Challenge {
  readonly realm: string;
  readonly service?: string;
  readonly scope?: string;
}

/** Reads a `WWW-Authenticate` header; `undefined` if it does not ask for a token. */
export function parseChallenge(header: string): Challenge | undefined {
  const [, parameters] = /^Bearer\s+(.*)$/i.exec(header) ?? [];
  if (parameters === undefined) return undefined;
  const found = Object.fromEntries(
    [...parameters.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  ) as Partial<Challenge>;
  return found.realm === undefined ? undefined : { ...found, realm: found.realm };
}
