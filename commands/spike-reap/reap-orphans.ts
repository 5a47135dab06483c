import { setTimeout as sleep } from "node:timers/promises";
import {
  blockers,
  type ClusterObject,
  leftovers,
  listSpikeObjects,
  orphanNamespaces,
  parseObject,
  parseObjects,
} from "./orphans.ts";
import type { Reaped, ReapOptions, Spikes } from "./spikes.ts";
import { objectKey } from "./state.ts";

const TIMEOUT_SECONDS = 300;
const POLL_MS = 1000;

/** What makes pods, makers before what they make. */
const WORKLOADS = "cronjobs,jobs,deployments,statefulsets,daemonsets,replicasets,pods";

/** Deletes what spikes left that no stack owns, once its time is over, and waits until it is gone. */
export async function reapOrphans(
  spikes: Pick<Spikes, "kubectl">,
  owned: ReadonlySet<string>,
  { report, signal, now = () => new Date(), orphanTimeoutSeconds = TIMEOUT_SECONDS }: ReapOptions,
): Promise<Reaped> {
  const orphans: Reaped = { gone: [], kept: [], failed: [] };
  const deadline = Date.now() + orphanTimeoutSeconds * 1000;
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
    doomed.push(orphan.object);
  }
  await Promise.all(doomed.map((object) => attempt(object, () => deleteNamespace(object))));

  // Admission lets pods into an agent's namespace; it goes when no such namespace is left.
  for (const object of leftovers(await list(), owned)) {
    report(`${keyOf(object)}: no stack owns it and its namespaces are gone, deleting it`);
    await attempt(object, async () => {
      await spikes.kubectl(["delete", object.kind, object.metadata.name, "--ignore-not-found"]);
      return [];
    });
  }
  return orphans;

  /** Files an object as gone, or as failed with what it waits for. */
  async function attempt(object: ClusterObject, remove: () => Promise<string[]>): Promise<void> {
    signal?.throwIfAborted();
    try {
      const blocked = await remove();
      if (blocked.length === 0) {
        orphans.gone.push(keyOf(object));
        report(`${keyOf(object)}: gone`);
        return;
      }
      const title = `${keyOf(object)}: not gone after ${orphanTimeoutSeconds} s, blocked by`;
      report([title, ...blocked].join("\n  "));
    } catch (error) {
      report(`${keyOf(object)}: not deleted: ${(error as Error).message}`);
    }
    orphans.failed.push(keyOf(object));
  }

  /**
   * Pods go first, for the deletion of a namespace would take their network policies from under them, and looks
   * for pods that drain again after half their grace only.
   */
  async function deleteNamespace({ metadata: { name } }: ClusterObject): Promise<string[]> {
    const within = `--namespace=${name}`;
    await spikes.kubectl(["delete", WORKLOADS, "--all", within, "--wait=false"]);
    const pods = await untilNone(async () => {
      const names = await spikes.kubectl(["get", "pods", within, "--output=name"]);
      return names.split("\n").filter((pod) => pod !== "");
    });
    if (pods.length > 0) return pods;
    await spikes.kubectl(["delete", "namespace", name, "--wait=false", "--ignore-not-found"]);
    return untilNone(async () => {
      const get = ["get", "namespace", name, "--ignore-not-found", "--output=json"];
      const text = await spikes.kubectl(get);
      if (text.trim() === "") return [];
      const found = blockers(parseObject(text));
      return found.length > 0 ? found : ["nothing that Kubernetes tells of"];
    });
  }

  /** Asks until the answer is empty or the time is over, and returns the last one. */
  async function untilNone(ask: () => Promise<string[]>): Promise<string[]> {
    for (;;) {
      const answer = await ask();
      if (answer.length === 0 || Date.now() > deadline) return answer;
      await sleep(POLL_MS, undefined, signal && { signal });
    }
  }
}

function keyOf({ kind, metadata }: ClusterObject): string {
  return objectKey(kind, metadata.name);
}
