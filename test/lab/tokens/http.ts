/** A request to a stand-in of a token endpoint. */
export interface TokenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Its answer. */
export interface TokenAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A stand-in of a token endpoint, without a server. */
export type TokenEndpoint = (request: TokenRequest) => Promise<TokenAnswer>;

/** A JSON object in a request's body, undefined if there is none. */
export function objectIn({ body }: TokenRequest): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
    return isObject ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The token of an `authorization` header. */
export function bearerOf({ headers }: TokenRequest): string | undefined {
  return /^bearer (\S+)$/i.exec(String(headers.authorization))?.[1];
}
