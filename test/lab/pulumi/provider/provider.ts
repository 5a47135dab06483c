import type { PropertyMap } from "./values.ts";

/** The resource fields that every request contains. */
interface Identity {
  readonly urn: string;
  /** Pulumi's type token, for example `random:index/randomPassword:RandomPassword`. */
  readonly type: string;
  readonly name: string;
}

export interface CheckRequest extends Identity {
  readonly olds: PropertyMap;
  readonly news: PropertyMap;
  /** Seed for a generated name, so that preview and update generate the same one. */
  readonly randomSeed: Uint8Array;
}

export interface CheckResult {
  readonly inputs: PropertyMap;
  readonly failures?: readonly { readonly property?: string; readonly reason: string }[];
}

export interface DiffRequest extends Identity {
  readonly id: string;
  /** The state that the last create or update returned. */
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly ignoreChanges: readonly string[];
}

/** How one property changes. */
export interface PropertyDiff {
  readonly kind: "add" | "delete" | "update";
  readonly replace: boolean;
  /** True if the old inputs differ from the new ones; false if the state differs from the new inputs. */
  readonly inputDiff: boolean;
}

export interface DiffResult {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace?: boolean;
  /** Top-level properties that differ; used if there is no detailed diff. */
  readonly diffs?: readonly string[];
  readonly detailedDiff?: ReadonlyMap<string, PropertyDiff>;
}

export interface CreateRequest extends Identity {
  readonly inputs: PropertyMap;
  readonly timeoutSeconds: number;
  readonly preview: boolean;
}

export interface ReadRequest extends Identity {
  readonly id: string;
  readonly properties: PropertyMap;
  readonly inputs: PropertyMap;
}

export interface UpdateRequest extends Identity {
  readonly id: string;
  readonly olds: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly news: PropertyMap;
  readonly timeoutSeconds: number;
  readonly ignoreChanges: readonly string[];
  readonly preview: boolean;
}

export interface DeleteRequest extends Identity {
  readonly id: string;
  readonly properties: PropertyMap;
  readonly oldInputs: PropertyMap;
  readonly timeoutSeconds: number;
}

/** A resource's id and state; after a read, also the inputs that would lead to that state. */
export interface ResourceState {
  readonly id: string;
  readonly properties: PropertyMap;
  readonly inputs?: PropertyMap;
}

/** The part of a resource provider that is specific to it. */
export interface Provider {
  readonly version: string;
  /** Receives the provider's arguments as strings. A value that is not a string is passed as JSON. */
  configure?(variables: ReadonlyMap<string, string>): Promise<void>;
  check(request: CheckRequest): Promise<CheckResult>;
  diff(request: DiffRequest): Promise<DiffResult>;
  create(request: CreateRequest): Promise<ResourceState>;
  /** Returns `undefined` if the resource does not exist. */
  read(request: ReadRequest): Promise<ResourceState | undefined>;
  update(request: UpdateRequest): Promise<PropertyMap>;
  delete(request: DeleteRequest): Promise<void>;
}
