import { isPropertyMap } from "../provider/values.ts";
import type { ApiClient } from "./client.ts";
import { NoMatchError } from "./errors.ts";
import { objectsAt, textAt, type ObjectType } from "./object.ts";

/** Where the API server keeps the objects of a type. */
export interface Endpoint {
  readonly plural: string;
  readonly namespaced: boolean;
  /** Path up to and including the version, for example `/apis/apps/v1`. */
  readonly root: string;
}

const ACCEPT =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/** Knows which types the API server has. */
export class Discovery {
  private readonly client: ApiClient;
  private endpoints: Promise<ReadonlyMap<string, Endpoint>> | undefined;

  constructor(client: ApiClient) {
    this.client = client;
  }

  /** Asks the server now; throws if it is out of reach. */
  async load(): Promise<void> {
    await this.known();
  }

  /** Finds a type, asking the server again if it was unknown: its definition may be new. */
  async endpoint(type: ObjectType): Promise<Endpoint> {
    const found = await this.lookUp(type);
    if (found) return found;
    this.endpoints = undefined;
    const afresh = await this.lookUp(type);
    if (!afresh) throw new NoMatchError(type);
    return afresh;
  }

  /** Finds a type among those that the server was last known to have. */
  async lookUp(type: ObjectType): Promise<Endpoint | undefined> {
    return (await this.known()).get(key(type));
  }

  private known(): Promise<ReadonlyMap<string, Endpoint>> {
    const loading = (this.endpoints ??= this.fetch());
    loading.catch(() => {
      // The next one to ask tries again.
      if (this.endpoints === loading) this.endpoints = undefined;
    });
    return loading;
  }

  private async fetch(): Promise<ReadonlyMap<string, Endpoint>> {
    const endpoints = new Map<string, Endpoint>();
    const lists = await Promise.all(
      ["/api", "/apis"].map((path) => this.client.request({ method: "GET", path, accept: ACCEPT })),
    );
    for (const group of lists.flatMap((list) => objectsAt(list, "items"))) {
      const name = textAt(group, "metadata", "name");
      for (const served of objectsAt(group, "versions")) {
        const version = textAt(served, "version");
        for (const resource of objectsAt(served, "resources")) {
          if (!isPropertyMap(resource.responseKind)) continue;
          endpoints.set(
            key({ group: name, version, kind: textAt(resource, "responseKind", "kind") }),
            {
              plural: textAt(resource, "resource"),
              namespaced: resource.scope === "Namespaced",
              root: name === "" ? `/api/${version}` : `/apis/${name}/${version}`,
            },
          );
        }
      }
    }
    return endpoints;
  }
}

function key({ group, version, kind }: ObjectType): string {
  return `${group}/${version}/${kind}`;
}
