import type { PropertyMap } from "../../provider/values.ts";
import {
  condition,
  nameOf,
  namespaceOf,
  numberAt,
  objectsAt,
  textAt,
  type KubeObject,
} from "../object.ts";
import type { ReadinessRule } from "./readiness.ts";

/** How far a pod is. `warnings` end up in error messages, `status` is only shown meanwhile. */
export interface PodProgress {
  readonly ready: boolean;
  readonly status?: string;
  readonly warnings: readonly string[];
}

/** A pod is scheduled, then initialized, then ready; the first step that is missing is what is reported. */
export function podProgress(pod: KubeObject): PodProgress {
  const name = displayName(pod);
  const waiting = (what: string): string => `Waiting for Pod "${name}" to be ${what}`;
  const scheduled = condition(pod, "PodScheduled");
  if (scheduled?.status !== "True") {
    const reason = textAt(scheduled, "reason") && textAt(scheduled, "message");
    return { ready: false, status: reason || waiting("scheduled"), warnings: [] };
  }
  const initialized = condition(pod, "Initialized");
  if (initialized?.status !== "True") {
    return { ready: false, status: waiting("initialized"), warnings: explain(pod, initialized) };
  }
  const ready = condition(pod, "Ready");
  if (ready && (ready.status === "True" || textAt(pod, "status", "phase") === "Succeeded")) {
    return { ready: true, warnings: [] };
  }
  return { ready: false, status: waiting("ready"), warnings: explain(pod, ready) };
}

/** What keeps the given pods, in the words of their containers. */
export function podWarnings(pods: readonly KubeObject[]): string[] {
  return pods.flatMap((pod) => podProgress(pod).warnings);
}

export const POD_RULE: ReadinessRule = {
  onRead: true,
  evaluate({ object }) {
    const { ready, status, warnings } = podProgress(object);
    return { ready, ...(status !== undefined && { status }), errors: warnings };
  },
};

/** A pod's name, with its namespace where that is not the default one. */
export function displayName(object: KubeObject): string {
  const namespace = namespaceOf(object);
  return ["", "default"].includes(namespace) ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

function explain(pod: KubeObject, unmet: PropertyMap | undefined): string[] {
  if (!unmet) return [];
  const problems = objectsAt(pod, "status", "containerStatuses").flatMap(containerProblems);
  const message = textAt(unmet, "message");
  if (problems.length === 0 && message === "") return [];
  const lead = textAt(unmet, "reason") === "" ? "" : message;
  return [`[Pod ${displayName(pod)}]: ${lead}${problems.join("\n")}`];
}

function containerProblems(status: PropertyMap): string[] {
  if (status.ready === true) return [];
  const problems: string[] = [];
  const { waiting, terminated } = (status.state ?? {}) as Record<string, PropertyMap | undefined>;
  if (waiting && textAt(waiting, "reason") !== "ContainerCreating") {
    problems.push(`[${textAt(waiting, "reason")}] ${trimPullMessage(textAt(waiting, "message"))}`);
  }
  if (terminated && textAt(terminated, "reason") !== "") {
    const message = textAt(terminated, "message");
    problems.push(
      message === ""
        ? `container "${textAt(status, "name")}" completed with exit code ${numberAt(terminated, "exitCode") ?? 0}`
        : `[${textAt(terminated, "reason")}] ${trimPullMessage(message)}`,
    );
  }
  const last = (status.lastState as PropertyMap | undefined)?.terminated as PropertyMap | undefined;
  if (last) {
    problems.push(
      `container "${textAt(status, "name")}" terminated at ${textAt(last, "finishedAt")} ` +
        `(${textAt(last, "reason")}: exit code ${numberAt(last, "exitCode") ?? 0})`,
    );
    if (textAt(last, "message") !== "") problems.push(textAt(last, "message"));
  }
  return problems;
}

function trimPullMessage(message: string): string {
  return message
    .replace(/^rpc error: code = Unknown desc = Error response from daemon: /, "")
    .replace(/: manifest unknown$/, "");
}
