import { isDeepStrictEqual } from "node:util";
import {
  apiVersionOf,
  at,
  condition,
  isOwnedBy,
  nameOf,
  numberAt,
  objectsAt,
  textAt,
  type KubeObject,
  type ObjectType,
} from "../object.ts";
import { displayName, POD_RULE, podWarnings } from "./pod.ts";
import { POD, type ReadinessRule } from "./readiness.ts";
import {
  DAEMON_SET_RULE,
  DEPLOYMENT_RULE,
  REPLICATION_CONTROLLER_RULE,
  STATEFUL_SET_RULE,
} from "./workloads.ts";

const pollTimeout = (name: string): string => `Timeout occurred polling for '${name}'`;

/** A Job is ready when it is complete. It has failed for good once its backoff limit or deadline is reached. */
const JOB_RULE: ReadinessRule = {
  onRead: true,
  related: [POD],
  evaluate({ object, related }) {
    const count = (name: string): number => numberAt(object, "status", name) ?? 0;
    const pods = related.Pod?.filter((pod) => isOwnedBy(pod, object)) ?? [];
    const failed = condition(object, "Failed");
    const reason = textAt(failed, "reason");
    if (
      failed?.status === "True" &&
      ["BackoffLimitExceeded", "DeadlineExceeded"].includes(reason)
    ) {
      const message = `[${reason}] ${textAt(failed, "message")}`;
      return { ready: false, failed: true, errors: [message, ...podWarnings(pods)] };
    }
    if (textAt(object, "status", "startTime") === "") {
      return {
        ready: false,
        status: `Waiting for Job "${displayName(object)}" to start`,
        errors: [],
      };
    }
    if (condition(object, "Complete")?.status === "True") return { ready: true };
    return {
      ready: false,
      status:
        `Waiting for Job "${displayName(object)}" to succeed ` +
        `(Active: ${count("active")} | Succeeded: ${count("succeeded")} | Failed: ${count("failed")})`,
      errors: podWarnings(pods),
    };
  },
};

/**
 * A Service with a selector is ready when its endpoints have not changed for a while and none of them is pending;
 * that they be none at all is good enough for the original. A load balancer also needs an address.
 */
const SERVICE_RULE: ReadinessRule = {
  onRead: true,
  settleMs: 10_000,
  related: [{ group: "", version: "v1", kind: "Endpoints" }],
  evaluate({ object, related, settledMs }) {
    const type = textAt(object, "spec", "type") || "ClusterIP";
    const loadBalancer = type === "LoadBalancer";
    const addressed =
      !loadBalancer || objectsAt(object, "status", "loadBalancer", "ingress").length > 0;
    const unselective = Object.keys(at(object, "spec", "selector") ?? {}).length === 0;
    const headless = textAt(object, "spec", "clusterIP") === "None";
    if (type === "ExternalName" || headless || unselective) return { ready: addressed, errors: [] };
    const endpoints = related.Endpoints?.find((each) => nameOf(each) === nameOf(object));
    const subsets = objectsAt(endpoints, "subsets");
    const targeted = subsets.some((subset) => objectsAt(subset, "addresses").length > 0);
    const pending = subsets.some((subset) => objectsAt(subset, "notReadyAddresses").length > 0);
    const settled = settledMs >= (SERVICE_RULE.settleMs ?? 0);
    if (addressed && settled && !pending) {
      return { ready: true, status: "✅ Service initialization complete" };
    }
    const errors: string[] = [];
    if (!targeted) {
      errors.push(
        "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not " +
          "match labels on any Pods",
      );
    }
    if (!addressed) {
      errors.push(
        "Service was not allocated an IP address; does your cloud provider support this?",
      );
    }
    const status =
      settled && targeted
        ? "[2/3] Attempting to allocate IP address to Service"
        : "[1/3] Finding Pods to direct traffic to";
    return { ready: false, status, errors };
  },
};

/** Rules that are one look at the object's own status, each with a patience of its own. */
const STATUS_RULES: Readonly<Record<string, ReadinessRule>> = {
  "v1/PersistentVolume": phaseRule(["Available", "Bound"]),
  "v1/PersistentVolumeClaim": {
    ...phaseRule(["Bound"]),
    related: [{ group: "storage.k8s.io", version: "v1", kind: "StorageClass" }],
    evaluate({ object, previous, related }) {
      const phase = textAt(object, "status", "phase");
      const className = textAt(object, "spec", "storageClassName");
      const storageClass = related.StorageClass?.find((each) => nameOf(each) === className);
      if (previous && phase === "Bound") return { ready: true };
      // Such a claim is bound when a pod uses it, which may wait for the claim to be created.
      const late = textAt(storageClass, "volumeBindingMode") === "WaitForFirstConsumer";
      return { ready: phase === (late ? "Pending" : "Bound") };
    },
  },
  "v1/ReplicationController": { ...REPLICATION_CONTROLLER_RULE, timeoutMessage: pollTimeout },
  "v1/ResourceQuota": {
    onRead: false,
    timeoutSeconds: 60,
    timeoutMessage: pollTimeout,
    evaluate: ({ object }) => ({
      ready: isDeepStrictEqual(at(object, "spec", "hard"), at(object, "status", "hard")),
    }),
  },
  "v1/Secret": {
    onRead: false,
    timeoutSeconds: 5,
    timeoutMessage: pollTimeout,
    evaluate: ({ object }) => ({
      ready:
        object.type !== "kubernetes.io/service-account-token" ||
        Object.keys(object.data ?? {}).length > 0,
    }),
  },
};

const RULES: Readonly<Record<string, ReadinessRule>> = {
  ...STATUS_RULES,
  "apps/v1/DaemonSet": DAEMON_SET_RULE,
  "apps/v1/Deployment": DEPLOYMENT_RULE,
  "apps/v1/StatefulSet": STATEFUL_SET_RULE,
  "batch/v1/Job": JOB_RULE,
  "v1/Pod": POD_RULE,
  "v1/Service": SERVICE_RULE,
};

/** The rule for a kind; a kind without one, a Namespace say, is ready as soon as it is written. */
export function readinessRule(type: ObjectType): ReadinessRule | undefined {
  return RULES[`${apiVersionOf(type)}/${type.kind}`];
}

/** Whether a Job, looked at now, has done its work. */
export function isJobReady(job: KubeObject): boolean {
  return condition(job, "Complete")?.status === "True";
}

function phaseRule(phases: readonly string[]): ReadinessRule {
  return {
    onRead: false,
    timeoutSeconds: 300,
    timeoutMessage: pollTimeout,
    evaluate: ({ object }) => ({ ready: phases.includes(textAt(object, "status", "phase")) }),
  };
}
