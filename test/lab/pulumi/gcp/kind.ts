import type { PropertyMap } from "../provider/values.ts";

/** A kind of resource: the values that GCE sets, and the properties that cannot be changed in place. */
export interface Kind {
  /** Its GCE id, which contains its name. */
  readonly id: (inputs: Plain, project: string) => string;
  /** Paths of properties whose change replaces the resource. With a `<` at the end: only if the number decreases. */
  readonly replaces: readonly string[];
  /** Properties whose change requires the machine to stop. */
  readonly stops?: readonly string[];
  /** The error with which GCE refuses inputs of the right types. */
  readonly refuses?: (inputs: Plain) => string | undefined;
  /** Outputs besides the inputs; all that the program might read. */
  readonly outputs: (inputs: Plain, made: Made) => PropertyMap;
  /** Ids or links of resources that must exist before it and must not be deleted while it exists. */
  readonly uses: (inputs: Plain) => readonly (string | undefined)[];
}

/** Inputs without secret markers. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shapes are checked against the SDK's types before
export type Plain = Readonly<Record<string, any>>;

/** What is known about a resource when it is created. */
export interface Made {
  readonly id: string;
  readonly project: string;
  /** The numeric id that GCE gives it. */
  readonly number: string;
  readonly time: string;
}

export const text = (value: unknown): string => String(value);
