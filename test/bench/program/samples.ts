import { spread, type Spread } from "../relay/samples.ts";

/** What of the program takes time. */
export const actions = {
  preview: "pulumi preview, nothing there yet",
  up: "pulumi up, from nothing",
  "preview-unchanged": "pulumi preview, nothing to change",
  "up-unchanged": "pulumi up, nothing to change",
  "gateway-ready": "from pulumi up to the gateway Ready",
  "envoy-ready": "Envoy: from its pod's start to Ready",
  "litellm-ready": "LiteLLM: from its pod's start to Ready",
  "local-cluster-down": "npm run local, every part in the cache, cluster down",
  "local-again": "npm run local once more",
} as const;

export type Action = keyof typeof actions;

/** One duration. */
export interface ProgramSample {
  /** The stack: its kind, or the gateway's path. */
  readonly stack: string;
  readonly agents: number;
  readonly action: Action;
  readonly seconds: number;
}

/** What `measureProgram` found. */
export interface ProgramResult {
  readonly samples: readonly ProgramSample[];
}

/** Durations of the same action on the same stack. */
export interface Row {
  readonly stack: string;
  readonly agents: number;
  readonly action: Action;
  readonly seconds: Spread;
}

/** The samples by action and stack, in the order in which they were first seen. */
export function rows({ samples }: ProgramResult): Row[] {
  const groups = new Map<string, ProgramSample[]>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.action, sample.stack, sample.agents]);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { stack, agents, action } = first;
    return [{ stack, agents, action, seconds: spread(group.map(({ seconds }) => seconds)) }];
  });
}
