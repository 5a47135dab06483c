/** What every agent's namespace may request, so that all of them and the gateway fit on the machine together. */
export interface AgentShare {
  readonly milliCpus: number;
  readonly memoryMib: number;
  readonly scratchMib: number;
  /** Limit of memory of one agent: what all agents have together, so that one alone can use it. */
  readonly memoryLimitMib: number;
}

/** What the gateway requests on the largest path, twice, because two run while a path changes, and cluster DNS. */
const GATEWAY = { milliCpus: 1000, memoryMib: 2048, scratchMib: 2048 };

/** What an agent needs: a runner beside the one that it replaces. */
const LEAST = { milliCpus: 220, memoryMib: 512, scratchMib: 512 };

/** Divides the room for pods of a machine equally among its agents, after the gateway. */
export function agentShare(
  room: { readonly milliCpus: number; readonly memoryMib: number; readonly scratchMib: number },
  agents: number,
): AgentShare {
  const part = (resource: keyof typeof GATEWAY): number =>
    Math.max(0, Math.floor((room[resource] - GATEWAY[resource]) / agents));
  return {
    milliCpus: part("milliCpus"),
    memoryMib: part("memoryMib"),
    scratchMib: part("scratchMib"),
    memoryLimitMib: Math.max(0, room.memoryMib - GATEWAY.memoryMib),
  };
}

/** Says what of a share is too little for an agent; `undefined` if all of it suffices. */
export function shareProblem(share: AgentShare): string | undefined {
  const parts = [
    ["milliCpus", "CPU", "m"],
    ["memoryMib", "memory", " MiB"],
    ["scratchMib", "boot disk", " MiB"],
  ] as const;
  const lacking = parts.filter(([resource]) => share[resource] < LEAST[resource]);
  if (lacking.length === 0) return undefined;
  return lacking
    .map(
      ([resource, title, unit]) =>
        `each would get ${share[resource]}${unit} of ${title}, and needs ${LEAST[resource]}${unit}`,
    )
    .join("; ");
}
