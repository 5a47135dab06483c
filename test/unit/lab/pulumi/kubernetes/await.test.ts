import { describe, expect, it } from "vitest";
import { timeoutSeconds } from "../../../../lab/pulumi/kubernetes/annotations.ts";
import type { Observation } from "../../../../lab/pulumi/kubernetes/await/readiness.ts";
import { readinessRule } from "../../../../lab/pulumi/kubernetes/await/rules.ts";
import { waitForRule } from "../../../../lab/pulumi/kubernetes/await/waitFor.ts";
import { typeOf, type KubeObject } from "../../../../lab/pulumi/kubernetes/object.ts";
import type { PropertyMap } from "../../../../lab/pulumi/provider/values.ts";

const conditions = (states: Record<string, PropertyMap>): PropertyMap[] =>
  Object.entries(states).map(([type, rest]) => ({ type, ...rest }));

function judge(object: KubeObject, rest: Partial<Observation> = {}) {
  const rule = readinessRule(typeOf(object));
  if (!rule) throw new Error("no rule");
  const alone = { object, submitted: object, previous: undefined, related: {}, settledMs: 0 };
  return rule.evaluate({ ...alone, ...rest });
}

const owned = (kind: string, uid: string, rest: PropertyMap): KubeObject => ({
  kind,
  ...rest,
  metadata: { name: "n", ownerReferences: [{ uid }], ...(rest.metadata as PropertyMap) },
});

const crashing = (owner: string): KubeObject =>
  owned("Pod", owner, {
    metadata: { name: "p", namespace: "ns" },
    status: {
      conditions: conditions({
        PodScheduled: { status: "True" },
        Initialized: { status: "True" },
        Ready: { status: "False", reason: "ContainersNotReady", message: "unready: [c]. " },
      }),
      containerStatuses: [
        {
          name: "c",
          ready: false,
          state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s" } },
          lastState: {
            terminated: { reason: "Error", exitCode: 1, finishedAt: "2026-01-01T00:00:00Z" },
          },
        },
      ],
    },
  });
const CRASH =
  "[Pod ns/p]: unready: [c]. [CrashLoopBackOff] back-off 5m0s\n" +
  'container "c" terminated at 2026-01-01T00:00:00Z (Error: exit code 1)';

describe("a Deployment", () => {
  const deployment = (
    revision: string,
    states: Record<string, PropertyMap>,
    generation = 1,
    observedGeneration = generation,
  ): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      uid: "d",
      generation,
      annotations: { "deployment.kubernetes.io/revision": revision },
    },
    status: { observedGeneration, conditions: conditions(states) },
  });
  const replicaSet = (revision: string, ready: number, replicas = 2): KubeObject =>
    owned("ReplicaSet", "d", {
      metadata: {
        name: `rs-${revision}`,
        uid: `rs-${revision}`,
        annotations: { "deployment.kubernetes.io/revision": revision },
      },
      spec: { replicas },
      status: { readyReplicas: ready },
    });
  const AVAILABLE = { Available: { status: "True" } };
  const ROLLED_OUT = {
    ...AVAILABLE,
    Progressing: { status: "True", reason: "NewReplicaSetAvailable" },
  };

  it("is ready when the ReplicaSet of its newest revision is", () => {
    const related = { ReplicaSet: [replicaSet("1", 2)] };
    expect(judge(deployment("1", AVAILABLE), { related }).ready).toBe(true);
  });

  it("is not ready by the pods of its last revision", () => {
    const old = { ReplicaSet: [replicaSet("1", 2), replicaSet("2", 1)] };
    const object = deployment("2", ROLLED_OUT, 2);
    expect(judge(object, { related: old })).toMatchObject({
      ready: false,
      status: "Waiting for app ReplicaSet to be available (1/2 Pods available)",
      errors: [
        "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live",
      ],
    });
    const done = { ReplicaSet: [replicaSet("1", 0, 0), replicaSet("2", 2)] };
    expect(judge(object, { related: done }).ready).toBe(true);
    const rolling = deployment("2", AVAILABLE, 2);
    expect(judge(rolling, { related: done }).ready).toBe(false);
  });

  it("is not ready before its controller has seen the change", () => {
    const related = { ReplicaSet: [replicaSet("1", 2)] };
    const stale = deployment("1", ROLLED_OUT, 2, 1);
    expect(judge(stale, { related }).ready).toBe(false);
    const submitted = deployment("1", ROLLED_OUT, 3);
    expect(judge(deployment("1", ROLLED_OUT), { related, submitted }).ready).toBe(false);
  });

  it("with no replicas is ready at once", () => {
    const none = { ReplicaSet: [replicaSet("1", 0, 0)] };
    expect(judge(deployment("1", AVAILABLE), { related: none }).ready).toBe(true);
  });

  it("says what its conditions and its pods say", () => {
    const object = deployment("1", {
      Available: { status: "False", reason: "MinimumReplicasUnavailable", message: "no minimum." },
      Progressing: { status: "False", reason: "ProgressDeadlineExceeded", message: "timed out." },
    });
    const related = { ReplicaSet: [replicaSet("1", 0)], Pod: [crashing("rs-1"), crashing("rs-0")] };
    expect(judge(object, { related }).errors).toEqual([
      "[ProgressDeadlineExceeded] timed out.",
      "[MinimumReplicasUnavailable] no minimum.",
      "Minimum number of live Pods was not attained",
      CRASH,
    ]);
  });

  it("waits for the claims that it mounts", () => {
    const object = {
      ...deployment("1", AVAILABLE),
      spec: { template: { spec: { volumes: [{ persistentVolumeClaim: { claimName: "mine" } }] } } },
    };
    const claim = (name: string, phase: string) => ({ metadata: { name }, status: { phase } });
    const related = (phase: string) => ({
      ReplicaSet: [replicaSet("1", 2)],
      PersistentVolumeClaim: [claim("mine", phase), claim("other", "Pending")],
    });
    expect(judge(object, { related: related("Bound") }).ready).toBe(true);
    expect(judge(object, { related: related("Pending") }).errors).toEqual([
      'Failed to bind PersistentVolumeClaim(s): "mine"',
    ]);
  });
});

describe("a StatefulSet", () => {
  const statefulSet = (status: PropertyMap): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", uid: "s", generation: 2 },
    spec: { replicas: 2 },
    status: { observedGeneration: 2, ...status },
  });
  const DONE = {
    ...{ replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2 },
    ...{ currentRevision: "b", updateRevision: "b" },
  };

  it("is ready when all replicas are, at the newest revision", () => {
    expect(judge(statefulSet(DONE)).ready).toBe(true);
    expect(judge(statefulSet({ ...DONE, observedGeneration: 1 })).ready).toBe(false);
    expect(judge(statefulSet({ ...DONE, currentRevision: "a" })).errors).toEqual([
      'StatefulSet controller failed to advance from revision "a" to revision "b"',
    ]);
    expect(judge(statefulSet({ ...DONE, readyReplicas: 1 })).errors).toEqual([
      "1 out of 2 replicas succeeded readiness checks",
    ]);
  });
});

describe("a DaemonSet", () => {
  it("is ready when every node that should run it does", () => {
    const daemonSet = (numberReady: number): KubeObject => ({
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "d", generation: 1 },
      status: {
        ...{ observedGeneration: 1, desiredNumberScheduled: 2, currentNumberScheduled: 2 },
        ...{ updatedNumberScheduled: 2, numberAvailable: 2, numberReady },
      },
    });
    expect(judge(daemonSet(2)).ready).toBe(true);
    expect(judge(daemonSet(1))).toMatchObject({ ready: false, status: "Ready: 1/2" });
  });
});

describe("a Pod", () => {
  const pod = (status: PropertyMap): KubeObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns" },
    status,
  });

  it("is ready when it says so, or when it has done its work", () => {
    const states = { PodScheduled: { status: "True" }, Initialized: { status: "True" } };
    const ready = conditions({ ...states, Ready: { status: "True" } });
    const over = conditions({ ...states, Ready: { status: "False" } });
    expect(judge(pod({ conditions: ready })).ready).toBe(true);
    expect(judge(pod({ conditions: over, phase: "Succeeded" })).ready).toBe(true);
    expect(judge(pod({ conditions: over, phase: "Running" })).ready).toBe(false);
  });

  it("shows why it is not scheduled", () => {
    const unscheduled = conditions({
      PodScheduled: { status: "False", reason: "Unschedulable", message: "0/1 nodes available" },
    });
    expect(judge(pod({ conditions: unscheduled }))).toEqual({
      ready: false,
      status: "0/1 nodes available",
      errors: [],
    });
  });

  it("says why its image is not pulled", () => {
    const states = conditions({
      PodScheduled: { status: "True" },
      Initialized: { status: "True" },
      Ready: { status: "False", reason: "ContainersNotReady", message: "unready: [c]. " },
    });
    const waiting = { reason: "ImagePullBackOff", message: 'Back-off pulling image "nope"' };
    const containerStatuses = [{ name: "c", ready: false, state: { waiting } }];
    expect(judge(pod({ conditions: states, containerStatuses })).errors).toEqual([
      '[Pod ns/p]: unready: [c]. [ImagePullBackOff] Back-off pulling image "nope"',
    ]);
    expect(judge({ ...crashing("x"), apiVersion: "v1" }).errors).toEqual([CRASH]);
  });
});

describe("a Job", () => {
  const job = (status: PropertyMap): KubeObject => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", uid: "j" },
    status,
  });

  it("is ready when it is complete", () => {
    const started = { startTime: "2026-01-01T00:00:00Z", active: 1 };
    expect(judge(job({})).status).toBe('Waiting for Job "j" to start');
    expect(judge(job(started)).status).toBe(
      'Waiting for Job "j" to succeed (Active: 1 | Succeeded: 0 | Failed: 0)',
    );
    const complete = conditions({ Complete: { status: "True" } });
    expect(judge(job({ ...started, conditions: complete })).ready).toBe(true);
  });

  it("fails at once when its limit is reached", () => {
    const failed = conditions({
      Failed: { status: "True", reason: "BackoffLimitExceeded", message: "too often" },
    });
    expect(judge(job({ conditions: failed }))).toEqual({
      ready: false,
      failed: true,
      errors: ["[BackoffLimitExceeded] too often"],
    });
  });
});

describe("a Service", () => {
  const service = (spec: PropertyMap, status: PropertyMap = {}): KubeObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec,
    status,
  });
  const endpoints = (subset: PropertyMap) => ({
    Endpoints: [
      { metadata: { name: "s" }, subsets: [subset] },
      { metadata: { name: "other" }, subsets: [{ notReadyAddresses: [{}] }] },
    ],
  });
  const SELECTIVE = { selector: { a: "1" } };

  it("is ready once its endpoints have settled and none is pending", () => {
    const related = endpoints({ addresses: [{ ip: "10.0.0.1" }] });
    expect(judge(service(SELECTIVE), { related, settledMs: 10_000 }).ready).toBe(true);
    expect(judge(service(SELECTIVE), { related, settledMs: 9_999 }).ready).toBe(false);
    const pending = endpoints({ notReadyAddresses: [{ ip: "10.0.0.1" }] });
    expect(judge(service(SELECTIVE), { related: pending, settledMs: 10_000 })).toMatchObject({
      ready: false,
      errors: [
        "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not " +
          "match labels on any Pods",
      ],
    });
  });

  it("that selects nothing, is headless or a mere name is ready at once", () => {
    expect(judge(service({})).ready).toBe(true);
    expect(judge(service({ ...SELECTIVE, clusterIP: "None" })).ready).toBe(true);
    expect(judge(service({ type: "ExternalName" })).ready).toBe(true);
  });

  it("of type LoadBalancer needs an address", () => {
    const spec = { ...SELECTIVE, type: "LoadBalancer" };
    const related = endpoints({ addresses: [{}] });
    expect(judge(service(spec), { related, settledMs: 10_000 }).errors).toEqual([
      "Service was not allocated an IP address; does your cloud provider support this?",
    ]);
    const addressed = service(spec, { loadBalancer: { ingress: [{ ip: "10.0.0.9" }] } });
    expect(judge(addressed, { related, settledMs: 10_000 }).ready).toBe(true);
  });
});

describe("other kinds", () => {
  const claim = (phase: string): KubeObject => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    spec: { storageClassName: "late" },
    status: { phase },
  });
  const late = {
    StorageClass: [{ metadata: { name: "late" }, volumeBindingMode: "WaitForFirstConsumer" }],
  };

  it("a claim is ready when bound, or while a pod has to come first", () => {
    expect(judge(claim("Bound")).ready).toBe(true);
    expect(judge(claim("Pending")).ready).toBe(false);
    expect(judge(claim("Pending"), { related: late }).ready).toBe(true);
    expect(judge(claim("Bound"), { related: late, previous: claim("Bound") }).ready).toBe(true);
  });

  it("a quota is ready when it is in force", () => {
    const quota = (hard: PropertyMap): KubeObject => ({
      ...{ apiVersion: "v1", kind: "ResourceQuota" },
      ...{ spec: { hard: { pods: "1" } }, status: { hard } },
    });
    expect(judge(quota({ pods: "1" })).ready).toBe(true);
    expect(judge(quota({})).ready).toBe(false);
  });

  it("a service account's token is ready when it is there; any other Secret is", () => {
    const secret = (type: string, data: PropertyMap): KubeObject => ({
      ...{ apiVersion: "v1", kind: "Secret" },
      ...{ type, data },
    });
    expect(judge(secret("kubernetes.io/service-account-token", {})).ready).toBe(false);
    expect(judge(secret("kubernetes.io/service-account-token", { token: "t" })).ready).toBe(true);
    expect(judge(secret("Opaque", {})).ready).toBe(true);
  });

  it.each([
    ["v1", "Namespace"],
    ["v1", "ConfigMap"],
    ["networking.k8s.io/v1", "NetworkPolicy"],
  ])("%s %s is not waited for", (apiVersion, kind) => {
    expect(readinessRule(typeOf({ apiVersion, kind }))).toBeUndefined();
  });
});

describe("pulumi.com/waitFor", () => {
  const object: KubeObject = {
    metadata: { generation: 2 },
    status: {
      observedGeneration: 2,
      phase: "Active",
      list: [{ a: "x", b: "found" }],
      conditions: conditions({
        Ready: { status: "True" },
        Old: { status: "True", observedGeneration: 1 },
      }),
    },
  };
  const holds = (annotation: string) =>
    waitForRule(annotation).evaluate({
      ...{ object, submitted: object, previous: undefined, related: {}, settledMs: 0 },
    }).ready;

  it.each([
    ["condition=Ready", true],
    ["condition=ready=true", true],
    ["condition=Ready=False", false],
    ["condition=Old", false],
    ["condition=Missing", false],
    ["jsonpath={.status.phase}=Active", true],
    ["jsonpath={.status.phase}=Gone", false],
    ["jsonpath={.status.phase}", true],
    ["jsonpath={.status.missing}", false],
    ["jsonpath={.status.list[0].b}=found", true],
    ["jsonpath={.status.list[?(@.a=='x')].b}=found", true],
    ['["condition=Ready", "jsonpath={.status.phase}=Active"]', true],
    ['["condition=Ready", "jsonpath={.status.phase}=Gone"]', false],
  ])("%s: %s", (annotation, ready) => {
    expect(holds(annotation)).toBe(ready);
  });

  it.each([
    ["status=1", 'expected a "jsonpath=" or "condition=" prefix'],
    ["jsonpath=.status", "should be wrapped in brackets"],
    ["jsonpath={.a[*]}", "does not understand the JSONPath"],
    ["[]", "at least one condition must be specified"],
  ])("refuses %s", (annotation, message) => {
    expect(() => waitForRule(annotation)).toThrow(message);
  });
});

describe("how long a wait lasts", () => {
  it("is what customTimeouts say, else the annotation, else ten minutes", () => {
    const annotated = { metadata: { annotations: { "pulumi.com/timeoutSeconds": "5" } } };
    expect(timeoutSeconds(7, annotated)).toBe(7);
    expect(timeoutSeconds(0, annotated)).toBe(5);
    expect(timeoutSeconds(0, {})).toBe(600);
  });
});
