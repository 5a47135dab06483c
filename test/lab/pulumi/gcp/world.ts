import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { PropertyMap } from "../provider/values.ts";
import type { Made } from "./kind.ts";

/** A resource that exists in the simulated GCE. */
export interface Existing {
  readonly type: string;
  readonly uses: readonly string[];
  readonly made: Made;
  /** All properties that the API would return, so no secrets. */
  readonly properties: PropertyMap;
}

/** A failure that a test orders. */
export interface OrderedFailure {
  readonly type: string;
  readonly operation: "create" | "update" | "delete";
  readonly message: string;
}

/**
 * The simulated GCE in a folder. `world.json` contains the resources by id; it outlives the provider's processes, and a
 * test may edit it as a user would in the console. `failures.json` contains the ordered failures; each is removed once used.
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

  /** Sets the failures for the next operations. */
  order(failures: readonly OrderedFailure[]): void {
    this.#write("failures.json", failures);
  }

  /** Throws if a failure is ordered for this operation. */
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
