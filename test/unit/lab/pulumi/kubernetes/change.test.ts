import { describe, expect, it } from "vitest";
import { checkInputs, diffInputs } from "../../../../lab/pulumi/kubernetes/change.ts";
import { toCheckpoint } from "../../../../lab/pulumi/kubernetes/checkpoint.ts";
import { Secret, Unknown, type PropertyMap } from "../../../../lab/pulumi/provider/values.ts";

const IMMUTABLE_DATA = { configMaps: false, secrets: false };
const MUTABLE_DATA = { configMaps: true, secrets: true };

const identity = { urn: "urn:pulumi:s::p::kubernetes:v1:X::thing", type: "x", name: "thing" };

/** Diffs inputs against what an API server made of earlier ones. */
function diff(
  before: PropertyMap,
  after: PropertyMap,
  { live = before, mutable = MUTABLE_DATA, namespaced = true, ignoreChanges = [] as string[] } = {},
) {
  const olds = toCheckpoint(before, live, before, "v1", "manager");
  const request = { ...identity, id: "", olds, oldInputs: before, news: after, ignoreChanges };
  return diffInputs(request, { namespaced, mutable });
}

const object = (apiVersion: string, kind: string, rest: PropertyMap): PropertyMap => ({
  apiVersion,
  kind,
  metadata: { name: "n", namespace: "ns" },
  ...rest,
});

const container = (rest: PropertyMap = {}): PropertyMap => ({ name: "c", image: "i:1", ...rest });
const deployment = (spec: PropertyMap): PropertyMap => object("apps/v1", "Deployment", { spec });

describe("what replaces an object", () => {
  it.each<[string, PropertyMap, PropertyMap, string[]]>([
    [
      "a Deployment's selector",
      deployment({ selector: { matchLabels: { a: "1" } } }),
      deployment({ selector: { matchLabels: { a: "2" } } }),
      ["spec.selector.matchLabels.a"],
    ],
    [
      "a label added to a selector",
      deployment({ selector: { matchLabels: { a: "1" } } }),
      deployment({ selector: { matchLabels: { a: "1", b: "2" } } }),
      ["spec.selector.matchLabels.b"],
    ],
    ["not a Deployment's replicas", deployment({ replicas: 1 }), deployment({ replicas: 2 }), []],
    [
      "a StatefulSet's service name",
      object("apps/v1", "StatefulSet", { spec: { serviceName: "a" } }),
      object("apps/v1", "StatefulSet", { spec: { serviceName: "b" } }),
      ["spec.serviceName"],
    ],
    [
      "a Job's template, however deep",
      object("batch/v1", "Job", { spec: { template: { spec: { containers: [container()] } } } }),
      object("batch/v1", "Job", {
        spec: { template: { spec: { containers: [container({ image: "i:2" })] } } },
      }),
      ["spec.template.spec.containers[0].image"],
    ],
    [
      "a Pod's image",
      object("v1", "Pod", { spec: { containers: [container()] } }),
      object("v1", "Pod", { spec: { containers: [container({ image: "i:2" })] } }),
      ["spec.containers[0].image"],
    ],
    [
      "a container that is added to a Pod",
      object("v1", "Pod", { spec: { containers: [container()] } }),
      object("v1", "Pod", { spec: { containers: [container(), container()] } }),
      ["spec.containers[1]"],
    ],
    [
      "not a Pod's grace for its deadline",
      object("v1", "Pod", { spec: { activeDeadlineSeconds: 1 } }),
      object("v1", "Pod", { spec: { activeDeadlineSeconds: 2 } }),
      [],
    ],
    [
      "a Service's cluster IP",
      object("v1", "Service", { spec: { clusterIP: "None" } }),
      object("v1", "Service", { spec: { clusterIP: "10.0.0.1" } }),
      ["spec.clusterIP"],
    ],
    [
      "not a Service's selector",
      object("v1", "Service", { spec: { selector: { a: "1" } } }),
      object("v1", "Service", { spec: { selector: { a: "2" } } }),
      [],
    ],
    [
      "a RoleBinding's role",
      object("rbac.authorization.k8s.io/v1", "RoleBinding", { roleRef: { name: "a" } }),
      object("rbac.authorization.k8s.io/v1", "RoleBinding", { roleRef: { name: "b" } }),
      ["roleRef.name"],
    ],
    [
      "a claim's storage class",
      object("v1", "PersistentVolumeClaim", { spec: { storageClassName: "a" } }),
      object("v1", "PersistentVolumeClaim", { spec: { storageClassName: "b" } }),
      ["spec.storageClassName"],
    ],
    [
      "a Secret's type, mutable or not",
      object("v1", "Secret", { type: "Opaque" }),
      object("v1", "Secret", { type: "other" }),
      ["type"],
    ],
    [
      "not a NetworkPolicy's rules",
      object("networking.k8s.io/v1", "NetworkPolicy", { spec: { policyTypes: ["Ingress"] } }),
      object("networking.k8s.io/v1", "NetworkPolicy", { spec: { policyTypes: ["Egress"] } }),
      [],
    ],
    [
      "the namespace of anything",
      object("v1", "ServiceAccount", {}),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "n", namespace: "other" } },
      ["metadata.namespace"],
    ],
  ])("%s", (_, before, after, replaces) => {
    const result = diff(before, after);
    expect(result.changes).toBe(true);
    expect(result.replaces).toEqual(replaces);
  });

  const data = (kind: string, value: string, rest: PropertyMap = {}) =>
    object("v1", kind, { data: { key: value }, ...rest });

  it.each(["ConfigMap", "Secret"])(
    "the data of a %s, unless the provider makes it mutable",
    (kind) => {
      const [before, after] = [data(kind, "YQ=="), data(kind, "Yg==")];
      expect(diff(before, after, { mutable: IMMUTABLE_DATA }).replaces).toEqual(["data.key"]);
      expect(diff(before, after).replaces).toEqual([]);
      expect(diff(before, after).changes).toBe(true);
      const marked = data(kind, "Yg==", { immutable: true });
      expect(diff(data(kind, "YQ==", { immutable: true }), marked).replaces).toEqual(["data.key"]);
    },
  );

  it("stringData of a Secret is compared as the data that the server makes of it", () => {
    const before = object("v1", "Secret", { data: { key: "YQ==" } });
    const same = object("v1", "Secret", { stringData: { key: "a" } });
    const other = object("v1", "Secret", { stringData: { key: "b" } });
    expect(diff(before, same)).toMatchObject({ changes: false, replaces: [] });
    expect(diff(before, other, { mutable: IMMUTABLE_DATA }).replaces).toEqual(["data.key"]);
  });

  it("is deleted first only if its name is the program's own, and stays", () => {
    const [before, after] = [data("ConfigMap", "1"), data("ConfigMap", "2")];
    expect(diff(before, after, { mutable: IMMUTABLE_DATA }).deleteBeforeReplace).toBe(true);
    expect(diff(before, after).deleteBeforeReplace).toBe(false);
    const autonamed = {
      name: "n",
      namespace: "ns",
      annotations: { "pulumi.com/autonamed": "true" },
    };
    const named = (value: string) => ({ ...data("ConfigMap", value), metadata: autonamed });
    expect(diff(named("1"), named("2"), { mutable: IMMUTABLE_DATA })).toMatchObject({
      replaces: ["data.key"],
      deleteBeforeReplace: false,
    });
    const renamed = { ...data("ConfigMap", "2"), metadata: { name: "m", namespace: "ns" } };
    expect(diff(before, renamed, { mutable: IMMUTABLE_DATA }).deleteBeforeReplace).toBe(false);
  });
});

describe("what is a change", () => {
  const spec = (rest: PropertyMap) => deployment({ template: { spec: rest } });

  it("is reported property by property, in Pulumi's spelling", () => {
    const before = object("v1", "ConfigMap", {
      metadata: { name: "n", namespace: "ns", labels: { "a.b/c": "1", gone: "x" } },
      data: { "x.y": "1" },
    });
    const after = object("v1", "ConfigMap", {
      metadata: { name: "n", namespace: "ns", labels: { "a.b/c": "2" } },
      data: { "x.y": "1", z: "2" },
    });
    expect(Object.fromEntries(diff(before, after).detailedDiff ?? [])).toEqual({
      'metadata.labels["a.b/c"]': { kind: "update", replace: false, inputDiff: false },
      "metadata.labels.gone": { kind: "delete", replace: false, inputDiff: true },
      "data.z": { kind: "add", replace: false, inputDiff: false },
    });
  });

  it("is nothing that the server adds, drops or respells", () => {
    const before = spec({
      hostNetwork: false,
      tolerations: [],
      containers: [container({ resources: { limits: { memory: "1024Mi", cpu: "0.5" } } })],
    });
    const live = {
      ...spec({
        containers: [
          container({
            imagePullPolicy: "IfNotPresent",
            resources: { limits: { memory: "1Gi", cpu: "500m" } },
          }),
        ],
        restartPolicy: "Always",
      }),
      metadata: { name: "n", namespace: "ns", uid: "u", resourceVersion: "7", managedFields: [] },
      status: { replicas: 1 },
    };
    expect(diff(before, before, { live })).toMatchObject({ changes: false, replaces: [] });
    const more = spec({
      hostNetwork: false,
      tolerations: [],
      containers: [container({ resources: { limits: { memory: "1025Mi", cpu: "0.5" } } })],
    });
    expect([...(diff(before, more, { live }).detailedDiff?.keys() ?? [])]).toEqual([
      "spec.template.spec.containers[0].resources.limits.memory",
    ]);
  });

  it("is drift, once a refresh has read it", () => {
    const before = object("v1", "ConfigMap", { data: { key: "mine" } });
    const live = object("v1", "ConfigMap", { data: { key: "theirs", other: "x" } });
    expect([...(diff(before, before, { live }).detailedDiff?.keys() ?? [])]).toEqual(["data.key"]);
  });

  it("is an unknown value", () => {
    const before = object("v1", "ConfigMap", { data: { key: "1" } });
    const after = object("v1", "ConfigMap", { data: { key: Unknown.value } });
    expect(diff(before, after).detailedDiff?.get("data.key")).toEqual({
      kind: "update",
      replace: false,
      inputDiff: false,
    });
  });

  it("leaves out what is ignored", () => {
    const before = object("v1", "ConfigMap", { data: { a: "1", b: "1" } });
    const after = object("v1", "ConfigMap", { data: { a: "2", b: "2" } });
    expect(diff(before, after, { ignoreChanges: ["data"] }).changes).toBe(false);
    expect([
      ...(diff(before, after, { ignoreChanges: ["data.a"] }).detailedDiff ?? []),
    ]).toHaveLength(1);
  });

  it("is not the absent namespace, which is the default one, nor any of a cluster's object", () => {
    const unnamed = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "n" } };
    const live = { ...unnamed, metadata: { name: "n", namespace: "default" } };
    expect(diff(unnamed, unnamed, { live }).changes).toBe(false);
    const role = object("rbac.authorization.k8s.io/v1", "ClusterRole", {});
    const bare = { ...role, metadata: { name: "n" } };
    expect(diff(bare, role, { namespaced: false }).changes).toBe(false);
  });

  it("is not the secrecy of a value", () => {
    const before = object("v1", "ConfigMap", { data: { a: "1" } });
    expect(diff(before, object("v1", "ConfigMap", { data: { a: new Secret("1") } })).changes).toBe(
      false,
    );
  });
});

describe("check", () => {
  const seed = new Uint8Array([1, 2, 3]);
  const check = (news: PropertyMap, olds: PropertyMap = {}, namespaced = true) =>
    checkInputs(
      { ...identity, olds, news, randomSeed: seed },
      { namespaced, defaultNamespace: "team" },
    ).inputs;

  it("names what has no name, the same for the same seed, and marks it", () => {
    const inputs = check({ apiVersion: "v1", kind: "ConfigMap" });
    expect(inputs.metadata).toEqual({
      name: expect.stringMatching(/^thing-[0-9a-f]{8}$/) as string,
      namespace: "team",
      annotations: { "pulumi.com/autonamed": "true" },
    });
    expect(check({ apiVersion: "v1", kind: "ConfigMap" })).toEqual(inputs);
  });

  it("keeps the name that it once gave", () => {
    const first = check({ apiVersion: "v1", kind: "ConfigMap" });
    expect(
      check({ apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } }, first).metadata,
    ).toEqual(first.metadata);
  });

  it("leaves a given or unknown name alone, and a cluster's object without a namespace", () => {
    expect(check({ metadata: { name: "mine", namespace: "own" } }).metadata).toEqual({
      name: "mine",
      namespace: "own",
    });
    expect(check({ metadata: { name: Unknown.value } }, {}, false).metadata).toEqual({
      name: Unknown.value,
    });
  });

  it("takes the engine's proposal for a name, and refuses to name where that is switched off", () => {
    const request = { ...identity, olds: {}, news: {}, randomSeed: seed };
    const cluster = { namespaced: false, defaultNamespace: "" };
    const named = checkInputs(
      { ...request, autonaming: { mode: "enforce", name: "given" } },
      cluster,
    );
    expect(named.inputs.metadata).toMatchObject({ name: "given" });
    const off = { ...request, autonaming: { mode: "disable" as const, name: "" } };
    expect(() => checkInputs(off, cluster)).toThrow(
      "autonaming is disabled, resource requires the .metadata.name field to be set",
    );
  });

  it("refuses generateName, as server-side apply does", () => {
    expect(() => check({ metadata: { generateName: "x-" } })).toThrow("`.metadata.generateName`");
  });

  it("makes a Secret's data secret whether or not the program does, and turns stringData into it", () => {
    expect(check({ apiVersion: "v1", kind: "Secret", stringData: { a: "b" } })).toMatchObject({
      data: new Secret({ a: "Yg==" }),
    });
  });

  it("keeps secret what the program makes secret: a value in an object, a list as a whole", () => {
    const inputs = check({
      apiVersion: "v1",
      kind: "ConfigMap",
      data: { hidden: new Secret("s"), plain: "p" },
      list: [{ a: new Secret("s") }, { a: "p" }],
    });
    expect(inputs.data).toEqual({ hidden: new Secret("s"), plain: "p" });
    expect(inputs.list).toEqual(new Secret([{ a: "s" }, { a: "p" }]));
  });
});
