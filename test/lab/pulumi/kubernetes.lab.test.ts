import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lineProgress } from "../progress.ts";
import { ApiError } from "./kubernetes/errors.ts";
import { parseId, typeOf, type KubeObject } from "./kubernetes/object.ts";
import { KubernetesProvider } from "./kubernetes/provider.ts";
import { InitializationError, type ResourceState } from "./provider/provider.ts";
import { revealMap, Secret, Unknown, type PropertyMap } from "./provider/values.ts";
import { kubeconfigFor, TrialApiServer } from "./trial/apiServer.ts";

const NAMESPACE = "trial";
let api: TrialApiServer;
let provider: Trial;

beforeAll(async () => {
  api = await TrialApiServer.start(lineProgress());
  provider = await configured();
  await provider.make("kubernetes:core/v1:Namespace", { metadata: { name: NAMESPACE } });
});

afterAll(async () => {
  await api.stop();
});

/** The provider as the engine uses it: check, then create or update. */
class Trial {
  readonly said: string[] = [];
  readonly shown: string[] = [];
  readonly provider = new KubernetesProvider("4.0.0", {
    log: (_, __, message) => this.said.push(message),
    status: (_, message) => this.shown.push(message),
  });

  async check(type: string, news: PropertyMap, olds: PropertyMap = {}): Promise<PropertyMap> {
    const checked = await this.provider.check({
      ...identity(type),
      olds,
      news: { ...typed(type), ...news },
      randomSeed: crypto.getRandomValues(new Uint8Array(8)),
    });
    return checked.inputs;
  }

  async make(
    type: string,
    news: PropertyMap,
    { preview = false, timeoutSeconds = 0 } = {},
  ): Promise<ResourceState & { inputs: PropertyMap }> {
    const inputs = await this.check(type, news);
    const state = await this.provider.create({
      ...identity(type),
      inputs,
      preview,
      timeoutSeconds,
    });
    return { ...state, inputs };
  }

  async change(
    type: string,
    state: ResourceState & { inputs: PropertyMap },
    news: PropertyMap,
    { timeoutSeconds = 0, ignoreChanges = [] as string[] } = {},
  ): Promise<PropertyMap> {
    return await this.provider.update({
      ...{ ...identity(type), id: state.id, olds: state.properties, oldInputs: state.inputs },
      news: await this.check(type, news, state.inputs),
      ...{ timeoutSeconds, ignoreChanges, preview: false },
    });
  }

  async remove(type: string, state: ResourceState, timeoutSeconds = 0): Promise<void> {
    const { id, properties } = state;
    await this.provider.delete({
      ...identity(type),
      id,
      properties,
      oldInputs: {},
      timeoutSeconds,
    });
  }
}

async function configured(variables: Record<string, string> = {}): Promise<Trial> {
  const trial = new Trial();
  const all = { kubeconfig: api.kubeconfig, ...variables };
  await trial.provider.configure(new Map(Object.entries(all)));
  return trial;
}

const identity = (type: string) => ({
  urn: `urn:pulumi:s::p::${type}::thing`,
  type,
  name: "thing",
});

function typed(type: string): PropertyMap {
  const [, module = "", kind = ""] = type.split(":");
  return { apiVersion: module.replace(/^core\//, ""), kind };
}

async function live(state: ResourceState): Promise<KubeObject> {
  const object = revealMap(state.properties);
  const { namespace, name } = parseId(state.id);
  return await api.cluster.get(typeOf(object), namespace, name);
}

/** What an operation fails with. */
async function failure(operation: Promise<unknown>): Promise<Error> {
  const error: unknown = await operation.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return error as Error;
}

/** The same, for an object that was written but did not become what it should. */
async function halfMade(operation: Promise<unknown>): Promise<InitializationError> {
  const error = await failure(operation);
  if (!(error instanceof InitializationError)) throw error;
  return error;
}

/** Repeats until `find` finds something. */
async function eventually<T>(find: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error("it did not come");
}

const CONFIG_MAP = "kubernetes:core/v1:ConfigMap";
const SECRET = "kubernetes:core/v1:Secret";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const named = (name: string, rest: PropertyMap = {}): PropertyMap => ({
  metadata: { name, namespace: NAMESPACE, ...rest },
});

describe("an object", () => {
  it("is created under a name of its own, and is gone when its deletion returns", async () => {
    const state = await provider.make(CONFIG_MAP, {
      metadata: { namespace: NAMESPACE },
      data: { a: "1" },
    });
    expect(state.id).toMatch(/^trial\/thing-[0-9a-f]{8}$/);
    expect(await live(state)).toMatchObject({ data: { a: "1" } });
    await provider.remove(CONFIG_MAP, state);
    expect(await failure(live(state))).toMatchObject({ code: 404 });
    await provider.remove(CONFIG_MAP, state);
  });

  it("that exists already is not taken over", async () => {
    await provider.make(CONFIG_MAP, { ...named("taken"), data: { a: "1" } });
    const error = await failure(provider.make(CONFIG_MAP, { ...named("taken"), data: { a: "2" } }));
    expect(error.message).toContain('configmaps "taken" already exists');
    expect(error.message).toContain("The resource already exists in the cluster.");
    expect(error).not.toBeInstanceOf(InitializationError);
  });

  it("is updated in place, by a manager of its own that leaves to others what is theirs", async () => {
    const before = await provider.make(CONFIG_MAP, {
      ...named("updated"),
      data: { a: "1", b: "1" },
    });
    await api.cluster.apply(
      { ...typed(CONFIG_MAP), ...named("updated"), data: { theirs: "x" } },
      { fieldManager: "somebody" },
    );
    const after = await provider.change(CONFIG_MAP, before, {
      ...named("updated"),
      data: { a: "2" },
    });
    expect(after.data).toEqual({ a: "2", theirs: "x" });
    expect(after.__fieldManager).toMatch(/^pulumi-kubernetes-[0-9a-f]{8}$/);
  });

  it("is not updated against another manager, unless it is told to", async () => {
    const news = (value: string, annotations: PropertyMap = {}) => ({
      ...named("contested", { annotations }),
      data: { a: value },
    });
    const before = await provider.make(CONFIG_MAP, news("1"));
    await api.cluster.apply(
      { ...typed(CONFIG_MAP), ...named("contested"), data: { a: "theirs" } },
      { fieldManager: "somebody", force: true },
    );
    const error = await failure(provider.change(CONFIG_MAP, before, news("2")));
    expect(error).toBeInstanceOf(InitializationError);
    expect(error.message).toContain("server-side apply field conflict detected");
    expect(error.message).toContain('conflict with "somebody"');
    const forced = news("2", { "pulumi.com/patchForce": "true" });
    expect((await provider.change(CONFIG_MAP, before, forced)).data).toEqual({ a: "2" });
  });

  it("shows no secret in the clear in its state", async () => {
    const { properties } = await provider.make(SECRET, {
      ...named("hidden"),
      stringData: { token: "planted" },
    });
    expect(properties.data).toEqual(new Secret({ token: "cGxhbnRlZA==" }));
    expect(properties.__inputs).toMatchObject({ data: new Secret({ token: "cGxhbnRlZA==" }) });
    const inOneValue = await provider.make(CONFIG_MAP, {
      ...named("half-hidden"),
      data: { token: new Secret("planted"), open: "x" },
    });
    expect(inOneValue.properties.data).toEqual({ token: new Secret("planted"), open: "x" });
  });

  it("is read as it is now, drift included, and not at all when it is gone", async () => {
    const state = await provider.make(CONFIG_MAP, { ...named("drifting"), data: { a: "1" } });
    const patch = { data: { a: "theirs", b: "added" } };
    await api.cluster.patch(await live(state), "application/merge-patch+json", patch, {});
    const request = { ...identity(CONFIG_MAP), ...state };
    const read = await provider.provider.read(request);
    expect(read?.properties.data).toEqual({ a: "theirs", b: "added" });
    expect(read?.inputs?.data).toEqual({ a: "theirs" });
    await provider.remove(CONFIG_MAP, state);
    expect(await provider.provider.read(request)).toBeUndefined();
  });

  it("can be taken over from the cluster by its id", async () => {
    await provider.make(CONFIG_MAP, { ...named("imported"), data: { a: "1" } });
    const request = { ...identity(CONFIG_MAP), id: "trial/imported", properties: {}, inputs: {} };
    const read = await provider.provider.read(request);
    expect(read?.inputs).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "imported", namespace: NAMESPACE },
      data: { a: "1" },
    });
  });

  it("of a kind that the server does not have is refused by name", async () => {
    const type = "kubernetes:example.com/v1:Nothing";
    const cancelled = await configured();
    cancelled.provider.cancel();
    const error = await failure(cancelled.make(type, named("x")));
    expect(error.message).toContain(
      `with kind example.com/v1/Nothing failed because the Kubernetes API server`,
    );
    expect(error.message).toContain('no matches for kind "Nothing" in version "example.com/v1"');
  });
});

describe("a preview", () => {
  it("shows what the server would make of an object, and makes nothing", async () => {
    const type = "kubernetes:core/v1:Service";
    const news = { ...named("previewed"), spec: { ports: [{ port: 80 }] } };
    const { id, properties } = await provider.make(type, news, { preview: true });
    expect(id).toBe("");
    expect(properties.spec).toMatchObject({ type: "ClusterIP", ports: [{ protocol: "TCP" }] });
    expect(properties).not.toHaveProperty("status");
    const get = api.cluster.get(typeOf(typed(type)), NAMESPACE, "previewed");
    expect(await failure(get)).toBeInstanceOf(ApiError);
  });

  it("in a namespace that is still to come, or with something unknown, is what the program says", async () => {
    const elsewhere = { metadata: { name: "a", namespace: "to-come" }, data: { a: "1" } };
    const state = await provider.make(CONFIG_MAP, elsewhere, { preview: true });
    expect(state.properties).toEqual({ ...typed(CONFIG_MAP), ...elsewhere });
    const unknown = { ...named("b"), data: { a: Unknown.value } };
    expect((await provider.make(CONFIG_MAP, unknown, { preview: true })).properties).toEqual({
      ...typed(CONFIG_MAP),
      ...unknown,
    });
  });
});

describe("a wait", () => {
  const deployment = (name: string, rest: PropertyMap = {}) => ({
    ...named(name, rest),
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: "c", image: "none:1" }] },
      },
    },
  });
  const pod = async (app: string): Promise<KubeObject | undefined> => {
    const pods = await api.cluster.list({ group: "", version: "v1", kind: "Pod" }, NAMESPACE);
    return pods.find((each) => JSON.stringify(each.metadata).includes(`"app":"${app}"`));
  };
  /** Plays the kubelet. */
  const setPod = async (app: string, ready: boolean): Promise<void> => {
    const found = await eventually(() => pod(app));
    const { namespace, name } = found.metadata as Record<string, string>;
    const states = { PodScheduled: true, Initialized: true, Ready: ready };
    const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s restarting" };
    const status = {
      phase: "Running",
      conditions: Object.entries(states).map(([type, status]) => ({
        ...{ type, status: status ? "True" : "False" },
        ...(!status && { reason: "ContainersNotReady", message: "unready: [c] " }),
      })),
      containerStatuses: [
        {
          ...{ name: "c", ready, image: "none:1", imageID: "", restartCount: 3 },
          state: ready ? { running: {} } : { waiting },
        },
      ],
    };
    await patchStatus(`/api/v1/namespaces/${String(namespace)}/pods/${String(name)}`, { status });
  };
  const patchStatus = async (path: string, body: unknown): Promise<void> => {
    await api.client.request({
      ...{ method: "PATCH", path: `${path}/status`, body },
      contentType: "application/merge-patch+json",
    });
  };

  it("ends when the pods of a Deployment are ready", async () => {
    const made = provider.make(DEPLOYMENT, deployment("well"));
    await setPod("well", true);
    expect((await made).properties.status).toMatchObject({ readyReplicas: 1 });
  });

  it("that fails says what the pods say, keeps the state, and can be taken up again", async () => {
    const made = halfMade(provider.make(DEPLOYMENT, deployment("ill"), { timeoutSeconds: 5 }));
    await setPod("ill", false);
    const error = await made;
    expect(error.message).toContain("was successfully created, but the Kubernetes API server");
    expect(error.message).toContain("'ill' timed out waiting to be Ready");
    const { state, reasons } = error;
    expect(reasons).toContain("Minimum number of live Pods was not attained");
    expect(reasons.join("\n")).toContain("[CrashLoopBackOff] back-off 10s restarting");
    expect(state.id).toBe("trial/ill");
    await setPod("ill", true);
    const inputs = await provider.check(DEPLOYMENT, deployment("ill"));
    const resumed = await provider.change(DEPLOYMENT, { ...state, inputs }, deployment("ill"));
    expect(resumed.status).toMatchObject({ readyReplicas: 1 });
  });

  it("outlasts a restart of the API server", async () => {
    const made = provider.make(DEPLOYMENT, deployment("patient"));
    await eventually(() => pod("patient"));
    await api.stopApi();
    await api.startApi();
    await setPod("patient", true);
    expect((await made).properties.status).toMatchObject({ readyReplicas: 1 });
  });

  it("ends at once when the user interrupts", async () => {
    const interrupted = await configured();
    const made = halfMade(interrupted.make(DEPLOYMENT, deployment("interrupted")));
    await eventually(() => pod("interrupted"));
    interrupted.provider.cancel();
    const error = await made;
    expect(error.message).toContain('Resource operation was cancelled for "interrupted"');
    expect(error.state.id).toBe("trial/interrupted");
  });

  it("is skipped on request", async () => {
    const annotations = { "pulumi.com/skipAwait": "true" };
    const { id } = await provider.make(DEPLOYMENT, deployment("skipped", { annotations }));
    expect(id).toBe("trial/skipped");
  });

  it("for a refresh is a look: an ill object is read and said to be ill", async () => {
    const annotations = { "pulumi.com/skipAwait": "true" };
    const state = await provider.make(DEPLOYMENT, deployment("refreshed", { annotations }));
    await setPod("refreshed", false);
    const { inputs } = await provider.make(DEPLOYMENT, deployment("x"), { preview: true });
    const request = { ...identity(DEPLOYMENT), ...state, inputs };
    const error = await halfMade(provider.provider.read(request));
    expect(error.message).toBe("Resource 'refreshed' was created but failed to initialize");
    expect(error.state.id).toBe("trial/refreshed");
  });

  it("for a Job ends with its failure", async () => {
    const type = "kubernetes:batch/v1:Job";
    const spec = { ...deployment("job").spec.template.spec, restartPolicy: "Never" };
    const made = halfMade(
      provider.make(type, { ...named("job"), spec: { suspend: true, template: { spec } } }),
    );
    const path = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/job`;
    const job = { group: "batch", version: "v1", kind: "Job" };
    await eventually(() => api.cluster.get(job, NAMESPACE, "job").catch(() => undefined));
    const failed = (type_: string) => ({
      ...{ type: type_, status: "True", reason: "BackoffLimitExceeded", message: "too often" },
    });
    const startTime = "2026-01-01T00:00:00Z";
    await patchStatus(path, {
      status: { startTime, conditions: [failed("FailureTarget"), failed("Failed")] },
    });
    const error = await made;
    expect(error.message).toContain("Resource 'job' was created but failed to initialize");
    expect(error.reasons).toContain("[BackoffLimitExceeded] too often");
  });
});

describe("a deletion", () => {
  it("waits for what the object owns, and removes a namespace with all that is in it", async () => {
    const type = "kubernetes:core/v1:Namespace";
    const state = await provider.make(type, { metadata: { name: "doomed" } });
    const inside = await provider.make(CONFIG_MAP, {
      metadata: { name: "inside", namespace: "doomed" },
    });
    await provider.remove(type, state);
    expect(await failure(live(state))).toMatchObject({ code: 404 });
    await provider.remove(CONFIG_MAP, inside);
  });

  it("that does not come to an end says what holds it", async () => {
    const finalizers = ["example.com/stuck"];
    const state = await provider.make(CONFIG_MAP, named("stuck", { finalizers }));
    const error = await failure(provider.remove(CONFIG_MAP, state, 2));
    expect(error.message).toBe("timed out waiting for the condition");
    expect(error).toBeInstanceOf(InitializationError);
    expect(provider.said).toContain("finalizers might be preventing deletion (example.com/stuck)");
    const patch = { metadata: { finalizers: null } };
    await api.cluster.patch(await live(state), "application/merge-patch+json", patch, {});
    await provider.remove(CONFIG_MAP, state);
  });

  it("during a restart of the API server fails or finishes, and a second one finishes", async () => {
    const state = await provider.make(CONFIG_MAP, named("half-way"));
    await api.stopApi();
    expect((await failure(provider.remove(CONFIG_MAP, state))).message).toMatch(
      /^Delete "https:\/\/127\.0\.0\.1:\d+\/api\/v1\/namespaces\/trial\/configmaps\/half-way": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
    );
    await api.startApi();
    await provider.remove(CONFIG_MAP, state);
    expect(await failure(live(state))).toMatchObject({ code: 404 });
  });
});

describe("a cluster out of reach", () => {
  const state: ResourceState = {
    id: "trial/lost",
    properties: { ...typed(CONFIG_MAP), ...named("lost"), __inputs: {} },
  };
  const nowhere = (variables: Record<string, string> = {}) =>
    configured({ kubeconfig: kubeconfigFor(1), ...variables });
  const read = (trial: Trial) =>
    trial.provider.read({ ...identity(CONFIG_MAP), ...state, inputs: {} });

  it("fails every operation but a preview's, and says how to give its objects up", async () => {
    const trial = await nowhere();
    const refused = /unable to load schema information .*: connect: connection refused/;
    expect((await failure(trial.make(CONFIG_MAP, named("x")))).message).toMatch(refused);
    expect((await trial.make(CONFIG_MAP, named("x"), { preview: true })).properties).toMatchObject(
      named("x"),
    );
    for (const operation of [trial.remove(CONFIG_MAP, state), read(trial)]) {
      expect((await failure(operation)).message).toContain("PULUMI_K8S_DELETE_UNREACHABLE");
    }
    expect(trial.said[0]).toMatch(refused);
  });

  it("gives its objects up under deleteUnreachable", async () => {
    const trial = await nowhere({ deleteUnreachable: "true" });
    await trial.remove(CONFIG_MAP, state);
    expect(await read(trial)).toBeUndefined();
    expect(trial.said.at(-1)).toContain("the `deleteUnreachable` option is enabled");
  });

  it("leaves them as they were under skipUpdateUnreachable", async () => {
    const trial = await nowhere({ skipUpdateUnreachable: "true" });
    expect((await read(trial))?.id).toBe("trial/lost");
    expect(await trial.check(CONFIG_MAP, named("new"), named("old"))).toEqual(named("old"));
  });

  it("is what a wrong kubeconfig is, too", async () => {
    const wrong = await configured({ kubeconfig: "{}", context: "none" });
    expect((await failure(wrong.make(CONFIG_MAP, named("x")))).message).toContain(
      "unable to load Kubernetes client configuration from kubeconfig file",
    );
  });
});
