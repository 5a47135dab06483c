import { setTimeout as sleep } from "node:timers/promises";
import {
  blockers,
  type ClusterObject,
  leftovers,
  listSpikeObjects,
  orphanNamespaces,
  parseObjects,
} from "./orphans.ts";
import type { Reaped, ReapOptions, Spikes } from "./reap.ts";
import { objectKey } from "./state.ts";

const TIMEOUT_SECONDS = 300;
const POLL_MS = 1000;

/** Deletes what spikes left that no stack owns, once its time is over, and waits until it is gone. */
export async function reapOrphans(
  spikes: Pick<Spikes, "kubectl">,
  owned: ReadonlySet<string>,
  { report, signal, now = () => new Date(), orphanTimeoutSeconds = TIMEOUT_SECONDS }: ReapOptions,
): Promise<Reaped> {
  const orphans: Reaped = { gone: [], kept: [], failed: [] };
  const list = async () => parseObjects(await spikes.kubectl(listSpikeObjects));

  const doomed: ClusterObject[] = [];
  for (const orphan of orphanNamespaces(await list(), owned, now())) {
    const { name } = orphan.object.metadata;
    if (orphan.decision === "unknown") {
      orphans.failed.push(keyOf(orphan.object));
      report(`namespace ${name}: no stack owns it, but ${orphan.reason}: delete it yourself`);
      continue;
    }
    const until = orphan.lifetime.expiresAt.toISOString();
    if (orphan.decision === "keep") {
      orphans.kept.push(keyOf(orphan.object));
      report(`namespace ${name}: no stack owns it; kept, it may live until ${until}`);
      continue;
    }
    report(`namespace ${name}: no stack owns it, past its time since ${until}, deleting it`);
    if (await remove(orphan.object)) doomed.push(orphan.object);
  }
  await untilGone(doomed);

  // Admission lets pods into an agent's namespace; it goes when no such namespace is left.
  for (const object of leftovers(await list(), owned)) {
    report(`${keyOf(object)}: no stack owns it and its namespaces are gone, deleting it`);
    if (await remove(object)) orphans.gone.push(keyOf(object));
  }
  return orphans;

  async function remove(object: ClusterObject): Promise<boolean> {
    signal?.throwIfAborted();
    const { kind, metadata } = object;
    try {
      await spikes.kubectl(["delete", kind, metadata.name, "--wait=false", "--ignore-not-found"]);
      return true;
    } catch (error) {
      orphans.failed.push(keyOf(object));
      report(`${keyOf(object)}: not deleted: ${(error as Error).message}`);
      return false;
    }
  }

  async function untilGone(namespaces: readonly ClusterObject[]): Promise<void> {
    const deadline = Date.now() + orphanTimeoutSeconds * 1000;
    let left: ClusterObject[] = [...namespaces];
    while (left.length > 0) {
      signal?.throwIfAborted();
      const present = new Map((await list()).map((object) => [keyOf(object), object]));
      for (const object of left.filter((each) => !present.has(keyOf(each)))) {
        orphans.gone.push(keyOf(object));
        report(`namespace ${object.metadata.name}: gone`);
      }
      left = left.flatMap((object) => present.get(keyOf(object)) ?? []);
      if (left.length === 0) return;
      if (Date.now() > deadline) break;
      await sleep(POLL_MS);
    }
    for (const object of left) {
      orphans.failed.push(keyOf(object));
      report(
        `namespace ${object.metadata.name}: not gone after ${orphanTimeoutSeconds} s, blocked by`,
      );
      for (const blocker of blockers(object)) report(`  ${blocker}`);
    }
  }
}

function keyOf({ kind, metadata }: ClusterObject): string {
  return objectKey(kind, metadata.name);
}
