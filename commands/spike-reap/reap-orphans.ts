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

/** Kinds that create pods; owners before the kinds that they create. */
const WORKLOADS = "cronjobs,jobs,deployments,statefulsets,daemonsets,replicasets,pods";

/** Deletes expired objects of spikes that no stack owns, and waits until they are gone. */
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
      report(`namespace ${name}: no stack owns it, but ${orphan.reason}: delete it by hand`);
      continue;
    }
    const until = orphan.lifetime.expiresAt.toISOString();
    if (orphan.decision === "keep") {
      orphans.kept.push(keyOf(orphan.object));
      report(`namespace ${name}: no stack owns it; kept, because it expires only at ${until}`);
      continue;
    }
    report(`namespace ${name}: no stack owns it and it expired at ${until}; deleting it`);
    doomed.push(orphan.object);
  }
  await Promise.all(doomed.map((object) => attempt(object, () => deleteNamespace(object))));

  // The admission policy decides which pods an agent's namespace accepts, so it is deleted after the last such namespace.
  for (const object of leftovers(await list(), owned)) {
    report(`${keyOf(object)}: no stack owns it and its namespaces are gone; deleting it`);
    await attempt(object, async () => {
      await spikes.kubectl(["delete", object.kind, object.metadata.name, "--ignore-not-found"]);
      return [];
    });
  }
  return orphans;

  /** Waits until an object is gone. Records it as failed, with what blocks it, if that takes too long. */
  async function attempt(object: ClusterObject, remove: () => Promise<string[]>): Promise<void> {
    signal?.throwIfAborted();
    try {
      const blocked = await remove();
      if (blocked.length === 0) {
        orphans.gone.push(keyOf(object));
        report(`${keyOf(object)}: gone`);
        return;
      }
      const title = `${keyOf(object)}: not gone after ${orphanTimeoutSeconds} s; blocked by`;
      report([title, ...blocked].join("\n  "));
    } catch (error) {
      report(`${keyOf(object)}: not deleted: ${(error as Error).message}`);
    }
    orphans.failed.push(keyOf(object));
  }

  /**
   * Deletes pods before their namespace. Deleting the namespace first would also delete its NetworkPolicies while pods
   * still run, and Kubernetes would check for terminating pods again only after half their grace period.
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
      return found.length > 0 ? found : ["unknown: Kubernetes reports no reason"];
    });
  }

  /** Repeats a query until its answer is empty or the time is over. Returns the last answer. */
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
