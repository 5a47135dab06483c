import { setMaxListeners } from "node:events";
import type { PropertyMap } from "../../provider/values.ts";
import { delay, type Cluster } from "../cluster.ts";
import { ApiError, AwaitError, messageOf } from "../errors.ts";
import {
  nameOf,
  namespaceOf,
  textAt,
  typeOf,
  type KubeObject,
  type ObjectType,
} from "../object.ts";
import type { Observation, ReadinessRule, Verdict } from "./readiness.ts";

const EVENT: ObjectType = { group: "", version: "v1", kind: "Event" };
/** How often a rule is asked anew when nothing changes: some of them look at the time. */
const TICK_MS = 500;

/** What a wait needs from its surroundings. */
export interface WaitContext {
  readonly cluster: Cluster;
  readonly timeoutSeconds: number;
  /** Aborted when the user interrupts. */
  readonly cancelled: AbortSignal;
  showStatus(message: string): void;
}

/** Waits until `submitted` is ready by `rule`, and returns it as it then is. */
export async function waitUntilReady(
  rule: ReadinessRule,
  submitted: KubeObject,
  previous: KubeObject | undefined,
  context: WaitContext,
): Promise<KubeObject> {
  const over = new AbortController();
  const signal = severalMayListen(AbortSignal.any([over.signal, context.cancelled]));
  const related = new Map<string, Map<string, KubeObject>>();
  let object = submitted;
  const state = { deleted: false };
  let settlingSince = Number.NEGATIVE_INFINITY;
  const settledMs = (): number => Date.now() - settlingSince;
  let wake = (): void => undefined;
  const namespace = namespaceOf(submitted);
  const watching = [
    context.cluster.watch(
      typeOf(submitted),
      namespace,
      (event) => {
        state.deleted = event.type === "DELETED";
        if (!state.deleted) object = event.object;
        wake();
      },
      signal,
      nameOf(submitted),
    ),
    ...(rule.related ?? []).map(async (type) => {
      const objects = new Map<string, KubeObject>();
      related.set(type.kind, objects);
      await context.cluster.watch(
        type,
        namespace,
        (event) => {
          if (event.type === "DELETED") objects.delete(nameOf(event.object));
          else objects.set(nameOf(event.object), event.object);
          // As the original: a change starts a period that later changes within it do not prolong.
          if (nameOf(event.object) === nameOf(submitted) && settledMs() >= (rule.settleMs ?? 0)) {
            settlingSince = Date.now();
          }
          wake();
        },
        signal,
      );
    }),
    watchWarnings(submitted, context, signal).catch(() => undefined),
  ];
  // A watch ends by itself only if the server refuses it; then there is nothing more to wait for.
  let refusal: unknown;
  for (const watch of watching.slice(0, -1)) {
    watch.catch((error: unknown) => {
      refusal = error;
      wake();
    });
  }
  const deadline = Date.now() + (rule.timeoutSeconds ?? context.timeoutSeconds) * 1000;
  let shown = "";
  const ticker = setInterval(() => {
    wake();
  }, TICK_MS);
  signal.addEventListener("abort", () => {
    wake();
  });
  try {
    for (;;) {
      const verdict = state.deleted
        ? { ready: false }
        : rule.evaluate({
            object,
            submitted,
            previous,
            related: Object.fromEntries(
              [...related].map(([kind, map]) => [kind, [...map.values()]]),
            ),
            settledMs: Number.isFinite(settlingSince) ? settledMs() : 0,
          });
      if (verdict.status !== undefined && verdict.status !== shown) {
        shown = verdict.status;
        context.showStatus(shown);
      }
      if (verdict.ready) return object;
      const end = endOf(verdict, Date.now() >= deadline);
      if (end) throw new AwaitError(end, object, verdict.errors ?? []);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    clearInterval(ticker);
    over.abort();
    await Promise.allSettled(watching);
  }

  function endOf(verdict: Verdict, late: boolean): string | undefined {
    const name = nameOf(object);
    if (verdict.failed) return `Resource '${name}' was created but failed to initialize`;
    if (context.cancelled.aborted) return `Resource operation was cancelled for "${name}"`;
    if (refusal !== undefined) return messageOf(refusal);
    if (!late) return undefined;
    return rule.timeoutMessage?.(name) ?? `'${name}' timed out waiting to be Ready`;
  }
}

/** Looks once, as a refresh does; throws if the object is not ready. */
export async function checkReady(
  rule: ReadinessRule,
  object: KubeObject,
  cluster: Cluster,
): Promise<void> {
  const related: Record<string, KubeObject[]> = {};
  for (const type of rule.related ?? []) {
    related[type.kind] = await cluster.list(type, namespaceOf(object)).catch(() => []);
  }
  const observation: Observation = {
    object,
    submitted: object,
    previous: undefined,
    related,
    settledMs: Number.POSITIVE_INFINITY,
  };
  const verdict = rule.evaluate(observation);
  if (verdict.ready) return;
  const message = `Resource '${nameOf(object)}' was created but failed to initialize`;
  throw new AwaitError(message, object, verdict.errors ?? []);
}

/** Waits until an object is gone. */
export async function waitUntilGone(object: KubeObject, context: WaitContext): Promise<void> {
  const over = new AbortController();
  const timeout = AbortSignal.timeout(context.timeoutSeconds * 1000);
  const signal = severalMayListen(AbortSignal.any([over.signal, context.cancelled, timeout]));
  let gone = false;
  let last = object;
  context.showStatus("Resource scheduled for deletion");
  const watching = context.cluster
    .watch(
      typeOf(object),
      namespaceOf(object),
      (event) => {
        last = event.object;
        if (event.type !== "DELETED") return;
        gone = true;
        over.abort();
      },
      signal,
      nameOf(object),
    )
    .catch(() => undefined);
  while (!gone && !signal.aborted) {
    gone = await isGone();
    if (!gone) await delay(TICK_MS * 4, signal);
  }
  over.abort();
  await watching;
  if (gone || (await isGone())) return;
  const finalizers = (last.metadata as PropertyMap | undefined)?.finalizers;
  throw new AwaitError(
    context.cancelled.aborted
      ? `Resource operation was cancelled for "${nameOf(object)}"`
      : "timed out waiting for the condition",
    last,
    [
      `finalizers might be preventing deletion (${Array.isArray(finalizers) ? finalizers.join(", ") : ""})`,
      ...namespaceRemains(last),
    ],
  );

  async function isGone(): Promise<boolean> {
    try {
      last = await context.cluster.get(typeOf(object), namespaceOf(object), nameOf(object));
      return false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) {
        context.showStatus(`unexpected error while checking cluster state: ${messageOf(error)}`);
        return false;
      }
      return true;
    }
  }
}

/** Several requests at once hang on a wait's signal, which Node would otherwise take for a leak. */
function severalMayListen(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

/** What a namespace that does not go away still holds, in the API server's words. */
function namespaceRemains(object: KubeObject): string[] {
  const conditions = (object.status as PropertyMap | undefined)?.conditions;
  if (object.kind !== "Namespace" || !Array.isArray(conditions)) return [];
  return (conditions as PropertyMap[])
    .filter((each) => each.status === "True")
    .map((each) => textAt(each, "message"));
}

/** Shows the cluster's own warnings about an object while it is waited for. */
async function watchWarnings(
  object: KubeObject,
  context: WaitContext,
  signal: AbortSignal,
): Promise<void> {
  const uid = textAt(object, "metadata", "uid");
  await context.cluster.watch(
    EVENT,
    namespaceOf(object) || "default",
    ({ type, object: event }) => {
      if (type === "DELETED" || event.type !== "Warning") return;
      if (textAt(event, "involvedObject", "uid") !== uid) return;
      context.showStatus(`${textAt(event, "reason")}: ${textAt(event, "message")}`);
    },
    signal,
  );
}
