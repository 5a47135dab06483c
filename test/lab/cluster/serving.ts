import { setTimeout as sleep } from "node:timers/promises";
import { runInLab } from "./command.ts";
import type { Components } from "./components.ts";
import { kubectl } from "./kubectl.ts";
import type { Lab } from "./lab.ts";
import { API_PORT, METADATA } from "./network.ts";
import { CONTAINERD_SOCKET } from "./differences.ts";

/** Where each program of the cluster listens when it is ready, as arguments of Node's `net.connect`. */
function addresses(lab: Lab): Readonly<Record<keyof Components, readonly (string | number)[]>> {
  return {
    etcd: [2379],
    apiServer: [API_PORT],
    controllerManager: [10_257],
    scheduler: [10_259],
    networkPolicies: [lab.netpolSocket],
    containerd: [CONTAINERD_SOCKET],
    kubelet: [10_250],
    kubeProxy: [10_256],
    resolver: [53, METADATA],
  };
}

const CONNECT = `require("net").connect(...JSON.parse(process.argv[1])).on("connect", () => process.exit())`;

/** Waits until every program of the cluster accepts connections. */
export async function untilServing(
  lab: Lab,
  programs: Components,
  signal: AbortSignal,
): Promise<void> {
  const entries = Object.entries(addresses(lab)) as [keyof Components, (string | number)[]][];
  await Promise.all(
    entries.map(([role, address]) =>
      untilItSucceeds(signal, () =>
        runInLab(lab, [process.execPath, "-e", CONNECT, JSON.stringify(address)], {
          netns: programs[role].netns ?? "node",
          cwd: "/",
          signal,
        }),
      ),
    ),
  );
}

/** The fields of a pod that are read here. */
interface Pod {
  readonly metadata: { readonly uid: string };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly containerID?: string }[];
  };
}

async function pods(lab: Lab, signal?: AbortSignal): Promise<readonly Pod[]> {
  const args = ["get", "pods", "--all-namespaces", "--output=json"];
  const list = await kubectl(lab, args, { ...(signal && { signal }) });
  return (JSON.parse(list) as { items: readonly Pod[] }).items;
}

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

/** Uids of the pods that are Ready according to the API server. */
export async function readyPods(lab: Lab): Promise<ReadonlySet<string>> {
  return new Set((await pods(lab)).filter(isReady).map(({ metadata }) => metadata.uid));
}

/**
 * Waits until those of the named pods that still exist are Ready and their containers run. After the node's programs have
 * ended, the API server's data about pods is out of date, so containerd is asked too.
 */
export async function untilPodsRun(
  lab: Lab,
  uids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  const runs = (tasks: ReadonlySet<string>, { status }: Pod): boolean =>
    (status.containerStatuses ?? []).every(({ containerID = "" }) =>
      tasks.has(containerID.replace("containerd://", "")),
    );
  for (;;) {
    const there = (await pods(lab, signal)).filter(({ metadata }) => uids.has(metadata.uid));
    const tasks = await runningTasks(lab, signal);
    if (there.every((pod) => isReady(pod) && runs(tasks, pod))) return;
    await sleep(200, undefined, { signal });
  }
}

/** Ids of the running containers, from containerd. */
async function runningTasks(lab: Lab, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const ctr = ["ctr", `--address=${CONTAINERD_SOCKET}`, "--namespace=k8s.io"];
  const { stdout } = await runInLab(lab, [...ctr, "tasks", "list"], { signal, cwd: "/" });
  const lines = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return new Set(lines.flatMap(([id = "", , status]) => (status === "RUNNING" ? [id] : [])));
}

/** Repeats an action until it succeeds. Throws its last error when `signal` is aborted. */
export async function untilItSucceeds(
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await sleep(200);
    }
  }
}
