import {
  annotation,
  at,
  condition,
  generationOf,
  isOwnedBy,
  nameOf,
  numberAt,
  objectsAt,
  textAt,
  type KubeObject,
} from "../object.ts";
import { podWarnings } from "./pod.ts";
import { POD, type Observation, type ReadinessRule, type Verdict } from "./readiness.ts";

const REVISION = "deployment.kubernetes.io/revision";
const TOO_FEW_LIVE = "Minimum number of live Pods was not attained";
const TOO_FEW_NEW = "Minimum number of Pods to consider the application live was not attained";

/** A Deployment is ready when the ReplicaSet of its newest revision is, and its claims are bound. */
export const DEPLOYMENT_RULE: ReadinessRule = {
  onRead: true,
  related: [
    { group: "apps", version: "v1", kind: "ReplicaSet" },
    POD,
    { group: "", version: "v1", kind: "PersistentVolumeClaim" },
  ],
  evaluate(observation) {
    const { object, submitted, related } = observation;
    if (
      !isObserved(observation) ||
      numberAt(object, "status", "observedGeneration") === undefined
    ) {
      return { ready: false, errors: [TOO_FEW_LIVE] };
    }
    const revision = annotation(object, REVISION);
    const replicaSet = related.ReplicaSet?.find(
      (each) => isOwnedBy(each, submitted) && annotation(each, REVISION) === revision,
    );
    const wanted = numberAt(replicaSet, "spec", "replicas") ?? 1;
    const readyPods = numberAt(replicaSet, "status", "readyReplicas") ?? 0;
    const replicaSetReady = replicaSet !== undefined && readyPods >= wanted;
    const available = condition(object, "Available")?.status === "True";
    const progressing = condition(object, "Progressing");
    const rolledOut =
      progressing?.status === "True" && progressing.reason === "NewReplicaSetAvailable";
    const unbound = unboundClaims(object, related.PersistentVolumeClaim ?? []);
    // The first revision is created, not rolled out to.
    const initial = revision === "1";
    const ready = available && replicaSetReady && unbound.length === 0 && (initial || rolledOut);
    if (ready) return { ready, status: "✅ Deployment initialization complete" };
    const errors = ["Progressing", "Available"]
      .map((type) => condition(object, type))
      .filter((each) => each !== undefined && each.status !== "True")
      .map((each) => `[${textAt(each, "reason")}] ${textAt(each, "message")}`);
    if (unbound.length > 0) {
      errors.push(`Failed to bind PersistentVolumeClaim(s): ${JSON.stringify(unbound.join(","))}`);
    }
    if (!available) errors.push(TOO_FEW_LIVE);
    else if (initial ? !replicaSetReady : !rolledOut) errors.push(TOO_FEW_NEW);
    else if (!replicaSetReady) {
      errors.push(
        "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
      );
    }
    const pods = related.Pod?.filter((pod) => isOwnedBy(pod, replicaSet)) ?? [];
    return {
      ready,
      status: `Waiting for app ReplicaSet to be available (${readyPods}/${wanted} Pods available)`,
      errors: [...errors, ...podWarnings(pods)],
    };
  },
};

/** A StatefulSet is ready when every replica is, and runs the newest revision. */
export const STATEFUL_SET_RULE: ReadinessRule = {
  onRead: true,
  related: [POD],
  evaluate(observation) {
    const { object, related } = observation;
    const status = (name: string): number => numberAt(object, "status", name) ?? 0;
    const wanted = numberAt(object, "spec", "replicas") ?? 0;
    const current = textAt(object, "status", "currentRevision");
    const target = textAt(object, "status", "updateRevision");
    const observed =
      isObserved(observation) && numberAt(object, "status", "observedGeneration") !== undefined;
    const byHand =
      generationOf(object) > 1 && textAt(object, "spec", "updateStrategy", "type") === "OnDelete";
    const revisionReady = observed && (byHand || (current !== "" && current === target));
    const replicasReady =
      observed &&
      status("replicas") === wanted &&
      status("readyReplicas") === wanted &&
      (byHand || status("currentReplicas") === wanted);
    if (revisionReady && replicasReady) {
      return { ready: true, status: "✅ StatefulSet initialization complete" };
    }
    const readyPods = revisionReady
      ? status("readyReplicas")
      : Math.min(status("readyReplicas"), status("updatedReplicas"));
    const errors: string[] = [];
    if (!replicasReady)
      errors.push(`${readyPods} out of ${wanted} replicas succeeded readiness checks`);
    if (!revisionReady) {
      errors.push(
        `StatefulSet controller failed to advance from revision "${current}" to revision "${target}"`,
      );
    }
    const pods = related.Pod?.filter((pod) => isOwnedBy(pod, object)) ?? [];
    return {
      ready: false,
      status: `Waiting for StatefulSet to create Pods (${readyPods}/${wanted} Pods ready)`,
      errors: [...errors, ...podWarnings(pods)],
    };
  },
};

/** A DaemonSet is ready when every node that should run its newest pods does. */
export const DAEMON_SET_RULE: ReadinessRule = {
  onRead: true,
  related: [POD],
  timeoutMessage: () => "timed out waiting for the condition",
  evaluate(observation): Verdict {
    const { object, related } = observation;
    const status = (name: string): number | undefined => numberAt(object, "status", name);
    const wanted = status("desiredNumberScheduled");
    if (
      !isObserved(observation) ||
      status("observedGeneration") === undefined ||
      wanted === undefined
    ) {
      return { ready: false, status: "DaemonSet generation is not observed yet", errors: [] };
    }
    const steps = [
      ["Current", "currentNumberScheduled"],
      ["Updated", "updatedNumberScheduled"],
      ["Available", "numberAvailable"],
      ["Ready", "numberReady"],
    ] as const;
    for (const [label, name] of steps) {
      const count = status(name) ?? 0;
      if (count >= wanted) continue;
      const pods = related.Pod?.filter((pod) => isOwnedBy(pod, object)) ?? [];
      return { ready: false, status: `${label}: ${count}/${wanted}`, errors: podWarnings(pods) };
    }
    return { ready: true, status: `✅ All replicas scheduled as expected. Replicas: ${wanted}` };
  },
};

/** A ReplicationController is ready when all its replicas are available. */
export const REPLICATION_CONTROLLER_RULE: ReadinessRule = {
  onRead: false,
  evaluate: ({ object }) => ({
    ready:
      numberAt(object, "spec", "replicas") !== undefined &&
      numberAt(object, "spec", "replicas") === numberAt(object, "status", "availableReplicas"),
  }),
};

/** Whether the controller has seen the version of the object that was submitted. */
function isObserved({ object, submitted }: Observation): boolean {
  const observed = numberAt(object, "status", "observedGeneration") ?? generationOf(object);
  return generationOf(object) >= generationOf(submitted) && observed >= generationOf(object);
}

function unboundClaims(deployment: KubeObject, claims: readonly KubeObject[]): string[] {
  const names = objectsAt(deployment, "spec", "template", "spec", "volumes").map((volume) =>
    textAt(volume, "persistentVolumeClaim", "claimName"),
  );
  return claims
    .filter((claim) => names.includes(nameOf(claim)) && at(claim, "status", "phase") !== "Bound")
    .map(nameOf);
}
