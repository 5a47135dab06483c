import { spread, type Spread } from "../relay/samples.ts";

/** The measured actions of the program. */
export const actions = {
  preview: "pulumi preview of a new stack",
  up: "pulumi up of a new stack",
  "preview-unchanged": "pulumi preview without changes",
  "up-unchanged": "pulumi up without changes",
  "gateway-ready": "from pulumi up until the gateway is Ready",
  "envoy-ready": "Envoy: from pod start until Ready",
  "litellm-ready": "LiteLLM: from pod start until Ready",
  "local-cluster-down": "npm run local, all parts in the cache, cluster down",
  "local-again": "npm run local again, cluster up",
} as const;

export type Action = keyof typeof actions;

/** One measured duration. */
export interface ProgramSample {
  /** The stack: its kind, or the gateway's path. */
  readonly stack: string;
  readonly agents: number;
  readonly action: Action;
  readonly seconds: number;
}

/** The result of `measureProgram`. */
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

/** The samples by action and stack, in the order of first appearance. */
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
