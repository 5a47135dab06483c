import type { PropertyMap } from "../provider/values.ts";
import type { ApiClient } from "./client.ts";
import type { Discovery, Endpoint } from "./discovery.ts";
import { ApiError } from "./errors.ts";
import {
  namespaceOf,
  nameOf,
  objectsAt,
  textAt,
  typeOf,
  type KubeObject,
  type ObjectType,
} from "./object.ts";

/** How a write is to be done. */
export interface WriteOptions {
  readonly fieldManager?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** One change that a watch reports. */
export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

const WATCH_RETRY_MS = 1_000;

/** Objects of any kind on one API server. */
export class Cluster {
  private readonly client: ApiClient;
  readonly discovery: Discovery;

  constructor(client: ApiClient, discovery: Discovery) {
    this.client = client;
    this.discovery = discovery;
  }

  async get(type: ObjectType, namespace: string, name: string): Promise<KubeObject> {
    const path = objectPath(await this.discovery.endpoint(type), namespace, name);
    return await this.client.request({ method: "GET", path });
  }

  async list(type: ObjectType, namespace: string): Promise<KubeObject[]> {
    const path = listPath(await this.discovery.endpoint(type), namespace);
    return withTypes(await this.client.request({ method: "GET", path }));
  }

  async create(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const path = listPath(await this.discovery.endpoint(typeOf(object)), namespaceOf(object));
    return await this.client.request({ method: "POST", path, query: query(options), body: object });
  }

  async replace(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    const path = await this.pathOf(object);
    return await this.client.request({ method: "PUT", path, query: query(options), body: object });
  }

  /** Applies an object server-side. */
  async apply(object: KubeObject, options: WriteOptions): Promise<KubeObject> {
    return await this.patch(object, "application/apply-patch+yaml", object, options);
  }

  async patch(
    object: KubeObject,
    contentType: string,
    body: unknown,
    options: WriteOptions,
  ): Promise<KubeObject> {
    const path = await this.pathOf(object);
    return await this.client.request({
      method: "PATCH",
      path,
      query: query(options),
      body,
      contentType,
    });
  }

  async delete(object: KubeObject, propagationPolicy: string): Promise<void> {
    const path = await this.pathOf(object);
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
    await this.client.request({ method: "DELETE", path, body });
  }

  /**
   * Reports every object of a type in a namespace, and each change, until `signal` is aborted; with `name`, of
   * the one object. A connection that breaks, as when the API server restarts, is taken up again.
   */
  async watch(
    type: ObjectType,
    namespace: string,
    onEvent: (event: WatchEvent) => void,
    signal: AbortSignal,
    name?: string,
  ): Promise<void> {
    const known = new Map<string, KubeObject>();
    const selection: Record<string, string> =
      name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };
    while (!signal.aborted) {
      try {
        const path = listPath(await this.discovery.endpoint(type), namespace);
        const list = await this.client.request({ method: "GET", path, query: selection, signal });
        const objects = withTypes(list);
        const uids = new Set(objects.map(uidOf));
        for (const object of known.values()) {
          if (!uids.has(uidOf(object))) report({ type: "DELETED", object });
        }
        for (const object of objects) report({ type: "ADDED", object });
        const resourceVersion = textAt(list, "metadata", "resourceVersion");
        await this.client.stream(
          { method: "GET", path, query: { ...selection, watch: "true", resourceVersion }, signal },
          (line) => {
            const event = line as unknown as WatchEvent;
            if (["ADDED", "MODIFIED", "DELETED"].includes(event.type)) report(event);
          },
        );
      } catch (error) {
        if (isAborted(signal)) return;
        if (error instanceof ApiError && (error.code === 401 || error.code === 403)) throw error;
      }
      await delay(WATCH_RETRY_MS, signal);
    }

    function report(event: WatchEvent): void {
      if (event.type === "DELETED") known.delete(uidOf(event.object));
      else known.set(uidOf(event.object), event.object);
      onEvent(event);
    }
  }

  private async pathOf(object: KubeObject): Promise<string> {
    const endpoint = await this.discovery.endpoint(typeOf(object));
    return objectPath(endpoint, namespaceOf(object), nameOf(object));
  }
}

function listPath({ root, plural, namespaced }: Endpoint, namespace: string): string {
  const scope = namespaced ? `/namespaces/${encodeURIComponent(namespace || "default")}` : "";
  return `${root}${scope}/${plural}`;
}

function objectPath(endpoint: Endpoint, namespace: string, name: string): string {
  return `${listPath(endpoint, namespace)}/${encodeURIComponent(name)}`;
}

function query({ fieldManager, force, dryRun }: WriteOptions): Record<string, string> {
  return {
    ...(fieldManager !== undefined && { fieldManager }),
    ...(force !== undefined && { force: String(force) }),
    ...(dryRun === true && { dryRun: "All" }),
  };
}

/** The objects of a list, which the server sends without their types. */
function withTypes(list: PropertyMap): KubeObject[] {
  const kind = textAt(list, "kind").replace(/List$/, "");
  return objectsAt(list, "items").map((item) => ({
    apiVersion: list.apiVersion ?? "",
    kind,
    ...item,
  }));
}

function uidOf(object: KubeObject): string {
  return textAt(object, "metadata", "uid");
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Waits; ends early, without an error, when `signal` is aborted. */
export async function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}
