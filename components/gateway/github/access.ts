/** Repositories of an agent, as `owner/name`. */
export interface AgentRepositories {
  readonly read: readonly string[];
  /** The agent may also read these. */
  readonly write: readonly string[];
}

/** A repository, and the agents that may use it. */
export interface RepositoryAccess {
  /** `owner/name`, as the config has it first. */
  readonly repository: string;
  /** Agents that may read, also those that may write. */
  readonly readers: readonly string[];
  readonly writers: readonly string[];
}

/** The agents by repository. GitHub's names have no case. */
export function byRepository(
  agents: Readonly<Record<string, AgentRepositories>>,
): RepositoryAccess[] {
  const entries = Object.entries(agents).flatMap(([agent, { read, write }]) => [
    ...read.map((repository) => ({ agent, repository, writes: false })),
    ...write.map((repository) => ({ agent, repository, writes: true })),
  ]);
  const groups = new Map<string, typeof entries>();
  for (const entry of entries) {
    const key = entry.repository.toLowerCase();
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].map((group) => ({
    repository: group[0]?.repository ?? "",
    readers: group.map(({ agent }) => agent),
    writers: group.filter(({ writes }) => writes).map(({ agent }) => agent),
  }));
}

/**
 * RE2 for a repository's name in any case. Not by `(?i)`, with which `k` is also the Kelvin sign and `s` the long s.
 */
export function anyCase(name: string): string {
  return name.replaceAll(/[A-Za-z.]/g, (character) =>
    character === "." ? "\\." : `[${character.toUpperCase()}${character.toLowerCase()}]`,
  );
}
