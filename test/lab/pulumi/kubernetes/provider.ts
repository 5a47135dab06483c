import {
  InitializationError,
  type CheckRequest,
  type CheckResult,
  type CreateRequest,
  type DeleteRequest,
  type DiffRequest,
  type DiffResult,
  type Host,
  type Provider,
  type ReadRequest,
  type ResourceState,
  type UpdateRequest,
} from "../provider/provider.ts";
import { containsUnknown, revealMap, type PropertyMap } from "../provider/values.ts";
import { annotation } from "./object.ts";
import { isJobReady } from "./await/rules.ts";
import {
  fromCheckpoint,
  hasObject,
  initialApiVersionOf,
  markSecrets,
  toCheckpoint,
} from "./checkpoint.ts";
import { checkInputs, diffInputs, withReplacement } from "./change.ts";
import { connect, type Connection } from "./connection.ts";
import { diffConfig } from "./diffConfig.ts";
import { ApiError, AwaitError, messageOf, NoMatchError } from "./errors.ts";
import { isNamespacedOffline, unsupported } from "./kinds.ts";
import { normalizeInputs, pruneToInputs } from "./normalize.ts";
import {
  apiVersionOf,
  idOf,
  kindOf,
  nameOf,
  namespaceOf,
  parseId,
  removeAt,
  setAt,
  textAt,
  typeOf,
  typeOfToken,
  type KubeObject,
  type ObjectType,
} from "./object.ts";
import {
  createObject,
  deleteObject,
  newFieldManager,
  PreviewUnavailable,
  readObject,
  updateObject,
  type OperationContext,
} from "./operations.ts";
import { readSettings, type Settings } from "./settings.ts";

const REPLACE_UNREADY = "pulumi.com/replaceUnready";
const DELETE_UNREACHABLE_HELP =
  "you can remove this resource from Pulumi state by rerunning the operation with the " +
  'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"';

/** The Kubernetes provider, without the transport. */
export class KubernetesProvider implements Provider {
  readonly version: string;
  private readonly host: Host;
  private readonly cancellation = new AbortController();
  private settings: Settings = readSettings(new Map(), {});
  private connection: Connection = {
    cluster: undefined,
    unreachable: "the provider is not configured",
    namespace: "default",
  };

  constructor(version: string, host: Host) {
    this.version = version;
    this.host = host;
  }

  diffConfig(request: DiffRequest): DiffResult {
    return diffConfig(request.olds, request.news);
  }

  async configure(variables: ReadonlyMap<string, string>): Promise<void> {
    this.settings = readSettings(variables, process.env);
    this.connection = await connect(this.settings);
  }

  cancel(): void {
    this.cancellation.abort();
  }

  async check(request: CheckRequest): Promise<CheckResult> {
    const refusal = unsupported(request.type);
    if (refusal !== undefined) throw new Error(refusal);
    if (this.connection.unreachable !== undefined && this.settings.skipUpdateUnreachable) {
      this.host.log(
        "warning",
        request.urn,
        "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...",
      );
      return { inputs: request.olds };
    }
    return checkInputs(request, {
      namespaced: await this.isNamespaced(typeOfToken(request.type)),
      defaultNamespace: this.connection.namespace,
    });
  }

  async diff(request: DiffRequest): Promise<DiffResult> {
    const inputs = revealMap(request.news);
    const result = diffInputs(request, {
      namespaced: await this.isNamespaced(typeOf(inputs)),
      mutable: {
        configMaps: this.settings.configMapsMutable,
        secrets: this.settings.secretsMutable,
      },
    });
    if (annotation(inputs, REPLACE_UNREADY) !== "true") return result;
    const { live } = fromCheckpoint(request.olds);
    if (!(await this.isUnreadyJob(request.urn, inputs, live))) return result;
    return withReplacement(result, inputs, live, `.metadata.annotations["${REPLACE_UNREADY}"]`);
  }

  async create({ urn, inputs, preview, timeoutSeconds }: CreateRequest): Promise<ResourceState> {
    if (!preview) this.demandCluster();
    const object = normalizeInputs(revealMap(inputs));
    const asGiven: ResourceState = { id: "", properties: inputs };
    if (preview && (containsUnknown(object) || !(await this.isServed(object)))) return asGiven;
    const apiVersion = textAt(object, "apiVersion");
    const fieldManager = newFieldManager(object, this.settings.serverSideApply);
    const checkpoint = (live: KubeObject): PropertyMap =>
      toCheckpoint(object, live, inputs, apiVersion, fieldManager);
    try {
      const live = await createObject(
        object,
        fieldManager,
        { preview, customTimeoutSeconds: timeoutSeconds },
        this.operations(urn),
      );
      // A preview's status would be taken for the real one by a program that reads it.
      if (preview) removeAt(live, "status");
      return { id: preview ? "" : idOf(live), properties: checkpoint(live) };
    } catch (error) {
      if (error instanceof PreviewUnavailable) return asGiven;
      if (error instanceof NoMatchError) {
        const type = typeOf(object);
        throw new Error(
          `creation of resource "${urn}" with kind ${apiVersionOf(type)}/${type.kind} failed because the Kubernetes ` +
            "API server reported that the apiVersion for this resource does not exist. Verify that any required " +
            `CRDs have been created: ${error.message}`,
          { cause: error },
        );
      }
      if (!(error instanceof AwaitError)) {
        throw new Error(
          `resource "${urn}" was not successfully created by the Kubernetes API server: ${messageOf(error)}`,
          { cause: error },
        );
      }
      throw initializationError(
        `resource "${urn}" was successfully created, but the Kubernetes API server reported that it failed to ` +
          `fully initialize or become live: ${error.message}`,
        { id: idOf(error.object), properties: checkpoint(error.object) },
        error,
      );
    }
  }

  async read({
    urn,
    id,
    type,
    properties,
    inputs,
  }: ReadRequest): Promise<ResourceState | undefined> {
    if (this.connection.unreachable !== undefined) {
      this.warnUnreachable(urn);
      if (this.settings.deleteUnreachable) {
        this.sayDeletedUnreachable(urn);
        return undefined;
      }
      if (this.settings.skipUpdateUnreachable) return { id, properties, inputs };
      throw new Error(
        `failed to read resource state due to unreachable cluster. If the cluster was deleted, ${DELETE_UNREACHABLE_HELP}`,
      );
    }
    const { namespace, name } = parseId(id);
    const state = fromCheckpoint(properties);
    let known = normalizeInputs(revealMap(inputs));
    const firstTime = !hasObject(known) && !hasObject(state.live);
    if (!hasObject(known)) {
      const existing = hasObject(state.live) ? typeOf(state.live) : typeOfToken(type);
      known = { apiVersion: apiVersionOf(existing), kind: existing.kind, ...known };
      if (nameOf(known) === "") setAt(known, ["metadata", "name"], name);
      if (namespaceOf(known) === "" && namespace !== "") {
        setAt(known, ["metadata", "namespace"], namespace);
      }
    }
    const fieldManager =
      state.fieldManager ?? newFieldManager(known, this.settings.serverSideApply);
    const stateOf = (live: KubeObject): ResourceState => {
      const liveInputs = firstTime ? importedInputs(live) : pruneToInputs(live, known);
      const version = initialApiVersionOf(state, known);
      return {
        id,
        properties: toCheckpoint(liveInputs, live, inputs, version, fieldManager),
        inputs: markSecrets(liveInputs, inputs),
      };
    };
    try {
      return stateOf(await readObject(known, name, firstTime, this.operations(urn)));
    } catch (error) {
      if (isGone(error)) return undefined;
      if (!(error instanceof AwaitError)) throw error;
      throw initializationError(error.message, stateOf(error.object), error);
    }
  }

  async update(request: UpdateRequest): Promise<PropertyMap> {
    const { urn, news, preview } = request;
    if (!preview) this.demandCluster();
    const object = normalizeInputs(revealMap(news));
    if (preview && (containsUnknown(object) || !(await this.isServed(object)))) return news;
    const state = fromCheckpoint(request.olds);
    const fieldManager =
      annotation(object, "pulumi.com/patchFieldManager") ||
      (state.fieldManager ?? newFieldManager(object, this.settings.serverSideApply));
    const version = initialApiVersionOf(state, state.inputs);
    const checkpoint = (live: KubeObject): PropertyMap =>
      toCheckpoint(object, live, news, version, fieldManager);
    try {
      const live = await updateObject(
        object,
        nameOf(state.live),
        fieldManager,
        {
          preview,
          customTimeoutSeconds: request.timeoutSeconds,
          ignoreChanges: request.ignoreChanges,
        },
        this.operations(urn),
      );
      return checkpoint(live);
    } catch (error) {
      if (preview && error instanceof ApiError && error.code === 403) return news;
      const live = await this.readAgain(urn, state.live, error);
      throw initializationError(
        `the Kubernetes API server reported that "${idOf(live)}" failed to fully initialize or become live: ${messageOf(error)}`,
        { id: idOf(live), properties: checkpoint(live) },
        error,
      );
    }
  }

  async delete({ urn, properties, timeoutSeconds }: DeleteRequest): Promise<void> {
    if (this.connection.unreachable !== undefined) {
      this.warnUnreachable(urn);
      if (this.settings.deleteUnreachable) {
        this.sayDeletedUnreachable(urn);
        return;
      }
      throw new Error(
        `configured Kubernetes cluster is unreachable. If the cluster was deleted, ${DELETE_UNREACHABLE_HELP}`,
      );
    }
    const state = fromCheckpoint(properties);
    try {
      await deleteObject(state.live, state.inputs, timeoutSeconds, this.operations(urn));
    } catch (error) {
      if (error instanceof NoMatchError) return;
      if (!(error instanceof AwaitError)) throw error;
      for (const reason of error.reasons) this.host.log("warning", urn, reason);
      const version = initialApiVersionOf(state, state.inputs);
      const manager =
        state.fieldManager ?? newFieldManager(state.inputs, this.settings.serverSideApply);
      throw initializationError(
        error.message,
        {
          id: idOf(error.object),
          properties: toCheckpoint(state.inputs, error.object, properties, version, manager),
        },
        new Error(error.message),
      );
    }
  }

  private operations(urn: string): OperationContext {
    return {
      cluster: this.demandCluster(),
      cancelled: this.cancellation.signal,
      serverSideApply: this.settings.serverSideApply,
      patchForce: this.settings.patchForce,
      upsertExistingObjects: this.settings.upsertExistingObjects,
      showStatus: (message) => {
        this.host.status(urn, message);
      },
    };
  }

  private demandCluster() {
    if (this.connection.unreachable === undefined) return this.connection.cluster;
    throw new Error(`configured Kubernetes cluster is unreachable: ${this.connection.unreachable}`);
  }

  private async isNamespaced(type: ObjectType): Promise<boolean> {
    const known = await this.connection.cluster?.discovery.lookUp(type);
    return known?.namespaced ?? isNamespacedOffline(type);
  }

  private async isServed(object: KubeObject): Promise<boolean> {
    return (await this.connection.cluster?.discovery.lookUp(typeOf(object))) !== undefined;
  }

  private async isUnreadyJob(urn: string, inputs: KubeObject, live: KubeObject): Promise<boolean> {
    if (this.connection.cluster === undefined) {
      this.host.log("warning", urn, "Cluster is unreachable, skipping replaceUnready check");
      return false;
    }
    if (kindOf(inputs) !== "Job") {
      this.host.log("warning", urn, "replaceUnready annotation is not supported for this resource");
      return false;
    }
    const job = await this.connection.cluster
      .get(typeOf(live), namespaceOf(live), nameOf(live))
      .catch(() => undefined);
    return job !== undefined && !isJobReady(job);
  }

  /** After a failed update: what there is now goes into the state, so that the next update starts from it. */
  private async readAgain(urn: string, live: KubeObject, failure: unknown): Promise<KubeObject> {
    try {
      return await this.demandCluster().get(typeOf(live), namespaceOf(live), nameOf(live));
    } catch (error) {
      throw new Error(
        `update of resource "${urn}" failed: ${messageOf(failure)}\nunable to get cluster state: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  private warnUnreachable(urn: string): void {
    this.host.log(
      "warning",
      urn,
      `configured Kubernetes cluster is unreachable: ${this.connection.unreachable ?? ""}`,
    );
  }

  private sayDeletedUnreachable(urn: string): void {
    this.host.log(
      "info",
      urn,
      "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. Deleting the " +
        "unreachable resource from Pulumi state",
    );
  }
}

function initializationError(
  message: string,
  state: ResourceState,
  cause: unknown,
): InitializationError {
  const reasons = cause instanceof AwaitError ? cause.reasons : [];
  return new InitializationError(message, state, [message, ...reasons]);
}

/** The inputs of an object that is taken over from the cluster: everything but what only the server writes. */
function importedInputs(live: KubeObject): KubeObject {
  const inputs = normalizeInputs(live);
  removeAt(inputs, "status");
  for (const name of [
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
  ]) {
    removeAt(inputs, "metadata", "annotations", name);
  }
  return inputs;
}

function isGone(error: unknown): boolean {
  return error instanceof NoMatchError || (error instanceof ApiError && error.code === 404);
}
