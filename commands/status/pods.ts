import { living } from "../../components/kubernetes/living-pods.ts";
import type { Row } from "./report.ts";

/** A pod as `kubectl get pods --output=json` lists it. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: {
    readonly phase: string;
    readonly reason?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly initContainerStatuses?: readonly Container[];
    readonly containerStatuses?: readonly Container[];
  };
}

interface Container {
  readonly name: string;
  readonly restartCount: number;
  readonly state: { readonly waiting?: { readonly reason?: string } };
  readonly lastState?: {
    readonly terminated?: { readonly reason?: string; readonly finishedAt?: string };
  };
}

/** A restart or a failure counts so long. */
const RECENT_MS = 24 * 3_600_000;

interface PodRowArgs {
  readonly nowMs: number;
  /** What has to be among the pods and is not, with what to do. Default: nothing. */
  readonly lacking?: { readonly what: string; readonly todo: string } | undefined;
}

/** Why the kubelet ended a pod when the machine restarted. */
const RESTARTED = /^(Terminated|NodeShutdown|Shutdown)$/;

/** The row of one namespace's pods. Pods that ended, or that are on their way out, are no trouble. */
export function podRow(
  title: string,
  namespace: string,
  pods: readonly Pod[],
  { nowMs, lacking }: PodRowArgs,
): Row {
  const lasting = living(pods);
  const ready = lasting.filter(isReady).length;
  const troubles = [
    ...lasting.flatMap((pod) => trouble(pod, nowMs)),
    ...pods.flatMap((pod) => failure(pod, nowMs)),
  ];
  return {
    title,
    text: [
      lasting.length === 0 ? "no pods" : `${ready} of ${lasting.length} pods ready`,
      ...(lacking === undefined || lasting.length === 0 ? [] : [lacking.what]),
      ...troubles,
    ].join("; "),
    ...(troubles.length > 0 && { todo: `see why: kubectl describe pods -n ${namespace}` }),
    ...(lacking !== undefined && { todo: lacking.todo }),
  };
}

function isReady({ status: { conditions = [] } }: Pod): boolean {
  return conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

/** A pod that failed lately by itself. Its place is taken by another pod. */
function failure({ metadata: { name, deletionTimestamp }, status }: Pod, nowMs: number): string[] {
  if (status.phase !== "Failed" || deletionTimestamp !== undefined) return [];
  if (RESTARTED.test(status.reason ?? "")) return [];
  const changes = (status.conditions ?? []).flatMap(({ lastTransitionTime }) =>
    lastTransitionTime === undefined ? [] : [Date.parse(lastTransitionTime)],
  );
  if (changes.length > 0 && nowMs - Math.max(...changes) >= RECENT_MS) return [];
  return [`${name} failed (${status.reason ?? "no reason given"})`];
}

function trouble({ metadata: { name }, status }: Pod, nowMs: number): string[] {
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const waiting = containers.flatMap(({ name: container, state }) =>
    state.waiting?.reason === undefined ||
    /^(PodInitializing|ContainerCreating)$/.test(state.waiting.reason)
      ? []
      : [`${name}: ${container} ${state.waiting.reason}`],
  );
  if (waiting.length > 0) return waiting;
  return containers.flatMap(({ name: container, restartCount, lastState }) => {
    const { reason, finishedAt } = lastState?.terminated ?? {};
    const recent = finishedAt !== undefined && nowMs - Date.parse(finishedAt) < RECENT_MS;
    return restartCount > 0 && recent
      ? [
          `${name}: ${container} restarted (${reason ?? "no reason given"}), ${restartCount} times in all`,
        ]
      : [];
  });
}
