import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { PropertyMap } from "../provider/values.ts";
import type { Made } from "./kinds.ts";

/** A resource that exists on the stand-in for GCE. */
export interface Existing {
  readonly type: string;
  readonly uses: readonly string[];
  readonly made: Made;
  /** Everything but secrets, as the API would show it. */
  readonly properties: PropertyMap;
}

/** A failure that a test orders. */
export interface OrderedFailure {
  readonly type: string;
  readonly operation: "create" | "update" | "delete";
  readonly message: string;
}

/**
 * What exists, in a folder: `world.json` by id, which outlives the provider's processes and which a test may edit as
 * somebody else would in the console; `failures.json`, the failures to come, each taken out when it has happened.
 */
export class World {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  get existing(): Record<string, Existing> {
    return this.#read<Record<string, Existing>>("world.json", {});
  }

  put(id: string, resource: Existing): void {
    this.#write("world.json", { ...this.existing, [id]: resource });
  }

  remove(id: string): void {
    const others = Object.entries(this.existing).filter(([other]) => other !== id);
    this.#write("world.json", Object.fromEntries(others));
  }

  /** Sets the failures to come. */
  order(failures: readonly OrderedFailure[]): void {
    this.#write("failures.json", failures);
  }

  /** Throws if this operation was ordered to fail. */
  failIfOrdered(type: string, operation: OrderedFailure["operation"]): void {
    const failures = this.#read<OrderedFailure[]>("failures.json", []);
    const index = failures.findIndex((one) => one.type === type && one.operation === operation);
    const failure = failures[index];
    if (failure === undefined) return;
    this.#write(
      "failures.json",
      failures.filter((_, other) => other !== index),
    );
    throw new Error(failure.message);
  }

  #read<T>(file: string, otherwise: T): T {
    const path = join(this.#dir, file);
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : otherwise;
  }

  #write(file: string, content: unknown): void {
    const path = join(this.#dir, file);
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`);
    renameSync(`${path}.new`, path);
  }
}
