import { createHash } from "node:crypto";
import type { Place } from "./reference.ts";
import { parseChallenge, type Challenge } from "./challenge.ts";

/** An answer of a registry that cannot be used. The message says what is wrong and what to do. */
export class RegistryError extends Error {}

/** The registry could not be reached at all. */
export class Unreachable extends RegistryError {}

/** The bytes of something in a registry, with the digest that they have. */
export interface Content {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** An index of images for several machines comes first: its digest is the one to pin. */
const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Manifests and signatures are small. More than this is refused. */
const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
/** Pages of a list of tags, each of at most a thousand. */
const MAX_PAGES = 200;

/**
 * Reads a repository of a registry as its protocol says: https://github.com/opencontainers/distribution-spec. It uses no
 * credentials, so it sees what everybody sees.
 */
export class Repository {
  readonly #place: Place;
  #token: string | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  /** A manifest by tag or digest. Its digest is computed from its bytes, and never taken from a header. */
  async manifest(reference: string): Promise<Content | undefined> {
    const response = await this.#get(`manifests/${reference}`, MANIFESTS);
    if (response === undefined) return undefined;
    const content = await this.#content(response);
    const said = response.headers.get("docker-content-digest");
    if (said?.startsWith("sha256:") === true && said !== content.digest) {
      throw new RegistryError(
        `${this.#host} says that the digest is ${said}, but what it sends has ${content.digest}: do not use this registry, or ask again without the proxy in between`,
      );
    }
    return this.#checked(content, reference);
  }

  async blob(digest: string): Promise<Content> {
    const response = await this.#get(`blobs/${digest}`);
    if (response === undefined) throw new RegistryError(`${this.#host} has no blob ${digest}`);
    return this.#checked(await this.#content(response), digest);
  }

  /** What refers to a manifest, by the referrers API or, where a registry has none, by the tag that stands in for it. */
  async referrers(digest: string): Promise<Content | undefined> {
    const response = await this.#get(`referrers/${digest}`, MANIFESTS);
    if (response !== undefined) return this.#content(response);
    return this.manifest(digest.replace(":", "-"));
  }

  async tags(): Promise<string[]> {
    const tags: string[] = [];
    let next: string | undefined = "tags/list?n=1000";
    for (let page = 0; next !== undefined && page < MAX_PAGES; page += 1) {
      const response = await this.#get(next);
      if (response === undefined) break;
      const { bytes } = await this.#content(response);
      tags.push(...((JSON.parse(bytes.toString()) as { tags: string[] | null }).tags ?? []));
      const link = /<([^>]+)>;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
      next = link?.split(`/v2/${this.#place.repository}/`)[1];
    }
    return tags;
  }

  get #host(): string {
    return new URL(this.#place.registry).host;
  }

  /** `undefined` if the registry has no such thing. */
  async #get(path: string, accept = "*/*"): Promise<Response | undefined> {
    const url = `${this.#place.registry}/v2/${this.#place.repository}/${path}`;
    let response = await this.#request(url, accept);
    if (response.status === 401) {
      this.#token = await this.#askForToken(response);
      response = await this.#request(url, accept);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    switch (response.status) {
      case 404:
        return undefined;
      case 401:
      case 403:
        throw new RegistryError(
          `${this.#host} does not let everybody read ${this.#place.repository} (${response.status}): look at the name; a private image has to be pinned by hand`,
        );
      case 429:
        throw new RegistryError(
          `${this.#host} limits requests (429): try again ${retryAfter(response)}`,
        );
      default:
        throw new RegistryError(
          `${this.#host} answered ${response.status} to ${new URL(url).pathname}: try again later`,
        );
    }
  }

  // A redirect to another host, as registries send for blobs, does not get the token: fetch removes it.
  async #request(url: string, accept: string): Promise<Response> {
    const authorization =
      this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    return reach(url, { headers: { accept, ...authorization } });
  }

  async #askForToken(response: Response): Promise<string> {
    const header = response.headers.get("www-authenticate") ?? "";
    await response.body?.cancel();
    const challenge = parseChallenge(header);
    if (challenge === undefined) {
      throw new RegistryError(
        `${this.#host} asks for a password ("${header}"): only images that everybody may read can be looked up; pin this one by hand`,
      );
    }
    const answer = await reach(tokenUrl(challenge, this.#place.repository), {});
    if (!answer.ok) {
      await answer.body?.cancel();
      if (answer.status === 429) {
        throw new RegistryError(
          `${this.#host} limits requests (429): try again ${retryAfter(answer)}`,
        );
      }
      throw new RegistryError(
        `${this.#host} gives no token for ${this.#place.repository} (${answer.status}): look at the name; a private image has to be pinned by hand`,
      );
    }
    const { token, access_token: other } = (await answer.json()) as {
      readonly token?: string;
      readonly access_token?: string;
    };
    const given = token ?? other;
    if (given === undefined) throw new RegistryError(`${this.#host} gave a token without a value`);
    return given;
  }

  async #content(response: Response): Promise<Content> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk as Uint8Array);
      size += (chunk as Uint8Array).byteLength;
      if (size > MAX_BYTES) {
        throw new RegistryError(
          `${this.#host} sends more than ${MAX_BYTES} bytes: that is no manifest`,
        );
      }
    }
    const bytes = Buffer.concat(chunks);
    return {
      digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
      mediaType: response.headers.get("content-type")?.split(";")[0] ?? "",
      bytes,
    };
  }

  #checked(content: Content, reference: string): Content {
    if (reference.startsWith("sha256:") && content.digest !== reference) {
      throw new RegistryError(
        `${this.#host} sends ${content.digest} where ${reference} was asked for: do not use this registry`,
      );
    }
    return content;
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const cause = (error as Error).cause;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    throw new Unreachable(
      `${new URL(url).host} cannot be reached (${reason}): run this where there is a network`,
    );
  }
}

function tokenUrl(challenge: Challenge, repository: string): string {
  const url = new URL(challenge.realm);
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  url.searchParams.set("scope", challenge.scope ?? `repository:${repository}:pull`);
  return url.href;
}

function retryAfter(response: Response): string {
  const seconds = response.headers.get("retry-after");
  return seconds === null ? "later" : `in ${seconds} s`;
}
