import { isPast } from "./lifetime.ts";
import { ownedObjects, parseState, spikeLifetime, type StackState } from "./state.ts";
import { reapOrphans } from "./reap-orphans.ts";
import type { Reaped, ReapOptions, Spikes } from "./spikes.ts";

/** Destroys every expired spike. A failure does not stop the rest. */
export async function reap(
  spikes: Spikes,
  options: ReapOptions,
): Promise<{ readonly stacks: Reaped; readonly orphans: Reaped }> {
  const stacks: Reaped = { gone: [], kept: [], failed: [] };
  const owned = new Set<string>();
  let allRead = true;
  for (const stack of await spikes.stacks()) {
    options.signal?.throwIfAborted();
    let state: StackState;
    try {
      state = parseState(await spikes.exportState(stack));
    } catch (error) {
      allRead = false;
      fail(stack, "its state cannot be read", error);
      continue;
    }
    if (!(await reapStack(stack, state))) ownedObjects(state).forEach((key) => owned.add(key));
  }

  const none: Reaped = { gone: [], kept: [], failed: [] };
  if (!options.orphans) return { stacks, orphans: none };
  options.signal?.throwIfAborted();
  if (!allRead) {
    options.report("orphans: not deleted, because a stack whose state cannot be read may own them");
    return { stacks, orphans: none };
  }
  return { stacks, orphans: await reapOrphans(spikes, owned, options) };

  /** Returns whether the stack is gone. */
  async function reapStack(stack: string, state: StackState): Promise<boolean> {
    try {
      const lives = spikeLifetime(state);
      if (lives === undefined) return false;
      const until = lives.expiresAt.toISOString();
      if (!isPast(lives, options.now?.() ?? new Date())) {
        stacks.kept.push(stack);
        options.report(`stack ${stack}: kept, because it expires only at ${until}`);
        return false;
      }
      options.report(`stack ${stack}: expired at ${until}; destroying it`);
      await spikes.destroy(stack);
      await spikes.remove(stack);
      stacks.gone.push(stack);
      options.report(`stack ${stack}: gone`);
      return true;
    } catch (error) {
      fail(stack, "not reaped", error);
      return false;
    }
  }

  function fail(stack: string, what: string, error: unknown): void {
    stacks.failed.push(stack);
    options.report(`stack ${stack}: ${what}: ${(error as Error).message}`);
  }
}
