import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Buffer } from "node:buffer";

/**
 * A stand-in for a container registry, on loopback. It is as strict as the distribution specification and Docker Hub: nothing
 * without a token for exactly this repository, an index only for who accepts it, and blobs by a redirect to another host, which
 * refuses a request that still shows the token.
 */
export class RegistryStandIn {
  readonly #manifests = new Map<string, { type: string; bytes: Buffer }>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #tags: string[] = [];
  readonly #servers: Server[] = [];
  /** Every request, as `METHOD path`. */
  readonly asked: string[] = [];
  /** Answers instead of the registry's own. */
  failing: ((path: string, response: ServerResponse) => boolean) | undefined;
  /** What the registry says about digests, instead of the truth. */
  digestHeader: string | undefined;
  hasReferrers = true;
  readonly repository: string;
  host = "";
  #storage = "";

  private constructor(repository: string) {
    this.repository = repository;
  }

  static async start(repository: string): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn(repository);
    registry.host = await registry.#listen((request, response) => {
      registry.#answer(request, response);
    });
    registry.#storage = await registry.#listen((request, response) => {
      registry.#store(request, response);
    });
    return registry;
  }

  get image(): string {
    return `${this.host}/${this.repository}`;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.map(async (server) => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }),
    );
  }

  /** Adds a manifest under a tag, and by its digest. Returns the digest. */
  push(
    tag: string | undefined,
    content: object,
    type = "application/vnd.oci.image.index.v1+json",
  ): string {
    const bytes = Buffer.from(JSON.stringify(content));
    const digest = sha256(bytes);
    this.#manifests.set(digest, { type, bytes });
    if (tag !== undefined) {
      this.#manifests.set(tag, { type, bytes });
      this.#tags.push(tag);
    }
    return digest;
  }

  blob(bytes: Buffer): string {
    const digest = sha256(bytes);
    this.#blobs.set(digest, bytes);
    return digest;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? "", `http://${this.host}`);
    this.asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    if (this.failing?.(pathname, response) === true) return;
    const scope = `repository:${this.repository}:pull`;
    if (pathname === "/token") {
      const right = searchParams.get("scope") === scope && searchParams.get("service") === "test";
      json(response, right ? 200 : 400, right ? { token: `for ${scope}` } : { details: "scope" });
      return;
    }
    const path = pathname.split(`/v2/${this.repository}/`)[1];
    if (path === undefined || request.headers.authorization !== `Bearer for ${scope}`) {
      response.setHeader(
        "www-authenticate",
        `Bearer realm="http://${this.host}/token",service="test",scope="${scope}"`,
      );
      json(response, 401, { errors: [{ code: "UNAUTHORIZED" }] });
      return;
    }
    const [kind, reference = ""] = path.split("/");
    if (kind === "tags") this.#listTags(searchParams, response);
    else if (kind === "blobs") {
      response.writeHead(307, { location: `http://${this.#storage}/${reference}` }).end();
    } else this.#manifest(kind, reference, { request, response });
  }

  #manifest(
    kind: string | undefined,
    reference: string,
    { request, response }: { request: IncomingMessage; response: ServerResponse },
  ): void {
    const found =
      kind === "referrers"
        ? this.hasReferrers && this.#manifests.get(`referrers ${reference}`)
        : this.#manifests.get(reference);
    if (!found || request.headers.accept?.includes(found.type) !== true) {
      json(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN" }] });
      return;
    }
    response.setHeader("docker-content-digest", this.digestHeader ?? sha256(found.bytes));
    response.setHeader("content-type", found.type);
    response.end(found.bytes);
  }

  /** Says what refers to an image: by the API, or by the tag where the registry has no such API. */
  refer(digest: string, manifests: readonly object[]): void {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
    const content = { type: "application/vnd.oci.image.index.v1+json", bytes };
    this.#manifests.set(
      this.hasReferrers ? `referrers ${digest}` : digest.replace(":", "-"),
      content,
    );
  }

  #listTags(query: URLSearchParams, response: ServerResponse): void {
    const last = query.get("last");
    const from = last === null ? 0 : this.#tags.indexOf(last) + 1;
    // Pages of two, however many were asked for: a registry may send fewer.
    const page = this.#tags.slice(from, from + 2);
    if (from + 2 < this.#tags.length) {
      response.setHeader(
        "link",
        `</v2/${this.repository}/tags/list?n=2&last=${page.at(-1) ?? ""}>; rel="next"`,
      );
    }
    json(response, 200, { name: this.repository, tags: page });
  }

  #store(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers.authorization !== undefined) {
      response.writeHead(400).end("only one way to authenticate");
      return;
    }
    const bytes = this.#blobs.get(request.url?.slice(1) ?? "");
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  }

  async #listen(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    const server = createServer(handler);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
}

function json(response: ServerResponse, status: number, content: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
}

export function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
