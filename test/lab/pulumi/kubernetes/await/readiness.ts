import type { KubeObject, ObjectType } from "../object.ts";

/** What is known at one moment about an object that is waited for. */
export interface Observation {
  /** The object as it is now. */
  readonly object: KubeObject;
  /** The object as the API server returned it for the write that is waited for. */
  readonly submitted: KubeObject;
  /** The object before an update; `undefined` for a creation. */
  readonly previous: KubeObject | undefined;
  /** The other objects of the namespace that the rule asked for, by kind. */
  readonly related: Readonly<Record<string, readonly KubeObject[]>>;
  /** How long ago the rule's related objects last began to settle; `Infinity` outside of a wait. */
  readonly settledMs: number;
}

/** Whether the object is what it should be, and if not, why. */
export interface Verdict {
  readonly ready: boolean;
  /** Set if the object will never be ready by itself. */
  readonly failed?: boolean;
  /** What to show while waiting. */
  readonly status?: string;
  /** What to say if the wait ends here. */
  readonly errors?: readonly string[];
}

/** When an object of one kind is ready. */
export interface ReadinessRule {
  readonly related?: readonly ObjectType[];
  /** Default for the whole wait, where it is not the provider's 10 minutes; it stands whatever the user sets. */
  readonly timeoutSeconds?: number;
  /** Whether a refresh asks for readiness too. */
  readonly onRead: boolean;
  /** How long a change of the service's endpoints has to stand. */
  readonly settleMs?: number;
  /** What a wait that took too long says. */
  timeoutMessage?(name: string): string;
  evaluate(observation: Observation): Verdict;
}

export const POD: ObjectType = { group: "", version: "v1", kind: "Pod" };
