/**
 * Simulates the front of Artifact Registry before a real registry: it answers `/v2/token` and passes everything else on.
 * As at Google, `oauth2accesstoken` with an access token gets a token for what its account may read. Anything else gets a 403:
 * a missing or unknown token, another user, a repository without a grant, and every action but pulling. Public repositories
 * are missing. https://cloud.google.com/artifact-registry/docs/docker/authentication
 */
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";

export interface ArtifactRegistryArgs {
  /** Host name, which is also the name of the service in its tokens. */
  readonly host: string;
  /** Port of the real registry on 127.0.0.1. */
  readonly backend: number;
  /** Certificate and key with which tokens are signed. The real registry trusts the certificate. */
  readonly certFile: string;
  readonly keyFile: string;
  /** The access token of the only account. */
  readonly accessToken: string;
  /** The repositories that the account may read, as `PROJECT/REPOSITORY`. */
  readonly readable: () => readonly string[];
}

export function artifactRegistry(args: ArtifactRegistryArgs) {
  const key = createPrivateKey(readFileSync(args.keyFile));
  const certificate = new X509Certificate(readFileSync(args.certFile)).raw.toString("base64");

  // https://distribution.github.io/distribution/spec/auth/jwt/
  const token = (name: string): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = [{ type: "repository", name, actions: ["pull"] }];
    const claims = { iss: args.host, aud: args.host, nbf: now - 10, exp: now + 300, access };
    const signed = [
      { typ: "JWT", alg: "ES256", x5c: [certificate] },
      { ...claims, sub: "", iat: now, jti: randomUUID() },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
    return `${signed}.${signature.toString("base64url")}`;
  };

  return (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", `https://${args.host}`);
    if (url.pathname !== "/v2/token") {
      passOn(args, request, response);
      return;
    }
    // containerd asks with POST first; Google answers 404 to that (remotes/docker/authorizer.go).
    if (request.method !== "GET") {
      response.writeHead(404).end();
      return;
    }
    const [, name = "", repository = ""] =
      /^repository:(([^/]+\/[^/]+)\/[^:]+):pull$/.exec(url.searchParams.get("scope") ?? "") ?? [];
    const account = Buffer.from(`oauth2accesstoken:${args.accessToken}`).toString("base64");
    const known = request.headers.authorization === `Basic ${account}`;
    if (!known || !args.readable().includes(repository)) {
      const who = known ? "Permission" : "Unauthenticated request. Permission";
      const message = `${who} "artifactregistry.repositories.downloadArtifacts" denied on resource "${repository}" (or it may not exist)`;
      const body = JSON.stringify({ errors: [{ code: "DENIED", message }] });
      response.writeHead(403, { "content-type": "application/json" }).end(body);
      return;
    }
    const body = JSON.stringify({ token: token(name), expires_in: 300 });
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  };
}

function passOn(
  { host, backend }: ArtifactRegistryArgs,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { method, url: path, headers } = request;
  const to = { host: "127.0.0.1", port: backend, method, path, headers: { ...headers, host } };
  const passed = httpRequest(to, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => response.destroy());
  request.pipe(passed);
}
