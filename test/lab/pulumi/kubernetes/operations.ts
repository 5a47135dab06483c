import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  deletionPropagation,
  skipsAwait,
  skipsAwaitOfDeletion,
  timeoutSeconds,
} from "./annotations.ts";
import { readinessRule } from "./await/rules.ts";
import { checkReady, waitUntilGone, waitUntilReady, type WaitContext } from "./await/wait.ts";
import type { ReadinessRule } from "./await/readiness.ts";
import { waitForRule } from "./await/waitFor.ts";
import type { Cluster, WriteOptions } from "./cluster.ts";
import { ApiError, AwaitError, messageOf, NoMatchError } from "./errors.ts";
import {
  CREATE_FIELD_MANAGER,
  forcesConflicts,
  ignoreProperties,
  takeOverPatch,
} from "./fieldManagers.ts";
import { isCustomResourceDefinition } from "./kinds.ts";
import { annotation, nameOf, setAt, textAt, typeOf, type KubeObject } from "./object.ts";

const CREATE_RETRIES = 5;
const CONFLICT_HELP =
  "https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/" +
  "#handle-field-conflicts-on-existing-resources";

/** What every operation needs. */
export interface OperationContext {
  readonly cluster: Cluster;
  readonly cancelled: AbortSignal;
  readonly serverSideApply: boolean;
  readonly patchForce: boolean;
  readonly upsertExistingObjects: boolean;
  showStatus(message: string): void;
}

/** A preview could not be made by the server; what the program says then stands for the result. */
export class PreviewUnavailable extends Error {
  override readonly name = "PreviewUnavailable";
}

/** Creates an object and waits until it is ready. */
export async function createObject(
  inputs: KubeObject,
  fieldManager: string,
  options: { readonly preview: boolean; readonly customTimeoutSeconds: number },
  context: OperationContext,
): Promise<KubeObject> {
  const created = await createWithRetries(inputs, fieldManager, options.preview, context);
  if (options.preview) return created;
  return await untilReady(inputs, created, undefined, options.customTimeoutSeconds, context);
}

/** Updates an object by server-side apply and waits until it is ready again. */
export async function updateObject(
  inputs: KubeObject,
  name: string,
  fieldManager: string,
  options: {
    readonly preview: boolean;
    readonly customTimeoutSeconds: number;
    readonly ignoreChanges: readonly string[];
  },
  context: OperationContext,
): Promise<KubeObject> {
  const { preview, ignoreChanges } = options;
  const namespace = textAt(inputs, "metadata", "namespace");
  const live = await context.cluster.get(typeOf(inputs), namespace, name);
  const updated = await writeUpdate(
    inputs,
    live,
    fieldManager,
    { preview, ignoreChanges },
    context,
  );
  if (preview) return updated;
  return await untilReady(inputs, updated, live, options.customTimeoutSeconds, context);
}

/** Reads an object and, unless it is read for the first time, asks whether it is ready. */
export async function readObject(
  inputs: KubeObject,
  name: string,
  firstTime: boolean,
  context: OperationContext,
): Promise<KubeObject> {
  const namespace = textAt(inputs, "metadata", "namespace");
  const live = await context.cluster.get(typeOf(inputs), namespace, name);
  const rule = readinessRule(typeOf(live));
  if (!firstTime && rule?.onRead === true && !skipsAwait(inputs)) {
    await checkReady(rule, live, context.cluster);
  }
  return live;
}

/** Deletes an object, dependents first unless it says otherwise, and waits until it is gone. */
export async function deleteObject(
  live: KubeObject,
  inputs: KubeObject,
  customTimeoutSeconds: number,
  context: OperationContext,
): Promise<void> {
  try {
    await context.cluster.delete(live, deletionPropagation(inputs));
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return;
    throw error;
  }
  if (skipsAwaitOfDeletion(inputs)) return;
  await waitUntilGone(live, waitContext(timeoutSeconds(customTimeoutSeconds, inputs), context));
}

/** A name for the manager of an object's fields, different for each resource. */
export function newFieldManager(inputs: KubeObject, serverSideApply: boolean): string {
  if (!serverSideApply) return CREATE_FIELD_MANAGER;
  const given = annotation(inputs, "pulumi.com/patchFieldManager");
  return given || `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}

/** What is missing, its namespace say, may be about to come: a create is tried for half a minute. */
async function createWithRetries(
  inputs: KubeObject,
  fieldManager: string,
  preview: boolean,
  context: OperationContext,
): Promise<KubeObject> {
  for (let attempt = 0, waitMs = 1_000; ; attempt++, waitMs *= 2) {
    try {
      return await createOnce(inputs, fieldManager, preview, context);
    } catch (error) {
      if (preview && error instanceof ApiError) {
        if (error.namespaceIsMissing || error.code === 403 || error.reason === "AlreadyExists") {
          throw new PreviewUnavailable(error.message);
        }
      }
      const mayCome =
        error instanceof NoMatchError || (error instanceof ApiError && error.code === 404);
      if (mayCome && attempt < CREATE_RETRIES && !context.cancelled.aborted) {
        context.showStatus(`Retry #${attempt}; creation failed: ${messageOf(error)}`);
        await sleep(waitMs);
        continue;
      }
      if (error instanceof ApiError && error.reason === "AlreadyExists") {
        throw new Error(alreadyExists(error.message), { cause: error });
      }
      throw error;
    }
  }
}

async function createOnce(
  inputs: KubeObject,
  fieldManager: string,
  preview: boolean,
  { cluster, serverSideApply, upsertExistingObjects, patchForce }: OperationContext,
): Promise<KubeObject> {
  if (!serverSideApply || !upsertExistingObjects) {
    return await cluster.create(inputs, { fieldManager: CREATE_FIELD_MANAGER, dryRun: preview });
  }
  const force = forcesConflicts(inputs, undefined, patchForce, preview);
  return await applyExplained(cluster, inputs, { fieldManager, force, dryRun: preview });
}

async function writeUpdate(
  inputs: KubeObject,
  live: KubeObject,
  fieldManager: string,
  { preview, ignoreChanges }: { preview: boolean; ignoreChanges: readonly string[] },
  { cluster, serverSideApply, patchForce }: OperationContext,
): Promise<KubeObject> {
  const dryRun = preview;
  // As kubectl replace does: applied, a definition could not lose what it had.
  if (isCustomResourceDefinition(inputs)) {
    const resourceVersion = textAt(live, "metadata", "resourceVersion");
    setAt(inputs, ["metadata", "resourceVersion"], resourceVersion);
    return await cluster.replace(inputs, { fieldManager, dryRun });
  }
  if (!serverSideApply) {
    throw new Error(
      "the lab's stand-in for the Kubernetes provider updates by server-side apply only: leave enableServerSideApply on",
    );
  }
  let current = live;
  const takeOver = preview ? undefined : takeOverPatch(live, fieldManager);
  if (takeOver) current = await cluster.patch(live, "application/json-patch+json", takeOver, {});
  ignoreProperties(inputs, current, ignoreChanges, fieldManager);
  setAt(inputs, ["metadata", "name"], nameOf(live));
  const force = forcesConflicts(inputs, current, patchForce, preview);
  return await applyExplained(cluster, inputs, { fieldManager, force, dryRun });
}

async function applyExplained(
  cluster: Cluster,
  object: KubeObject,
  options: WriteOptions & { readonly fieldManager: string },
): Promise<KubeObject> {
  try {
    return await cluster.apply(object, options);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 409) throw error;
    throw new Error(
      `server-side apply field conflict detected, see ${CONFLICT_HELP} for troubleshooting help\n` +
        `The resource managed by field manager "${options.fieldManager}" had an apply conflict: ${error.message}`,
      { cause: error },
    );
  }
}

async function untilReady(
  inputs: KubeObject,
  written: KubeObject,
  previous: KubeObject | undefined,
  customTimeoutSeconds: number,
  context: OperationContext,
): Promise<KubeObject> {
  const rule = ruleFor(inputs, written);
  if (!rule) {
    if (skipsAwait(inputs)) context.showStatus("Skipping await logic");
    return written;
  }
  try {
    const wait = waitContext(timeoutSeconds(customTimeoutSeconds, inputs), context);
    return await waitUntilReady(rule, written, previous, wait);
  } catch (error) {
    if (error instanceof AwaitError) throw error;
    throw new AwaitError(messageOf(error), written);
  }
}

function ruleFor(inputs: KubeObject, written: KubeObject): ReadinessRule | undefined {
  if (skipsAwait(inputs)) return undefined;
  const waitFor = annotation(inputs, "pulumi.com/waitFor");
  return waitFor === "" ? readinessRule(typeOf(written)) : waitForRule(waitFor);
}

function waitContext(seconds: number, context: OperationContext): WaitContext {
  return {
    cluster: context.cluster,
    timeoutSeconds: seconds,
    cancelled: context.cancelled,
    showStatus: (message) => {
      context.showStatus(message);
    },
  };
}

function alreadyExists(message: string): string {
  return (
    `${message}\n\nThe resource already exists in the cluster. This can happen when:\n\n` +
    "  - Renaming a Pulumi resource: use an alias to preserve the identity,\n" +
    "    or use deleteBeforeReplace if the resource needs replacement.\n" +
    "  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)\n" +
    "    to manage specific fields without owning the resource lifecycle.\n" +
    "  - Adopting a resource into Pulumi: use `pulumi import`. Note that\n" +
    "    protected resources (e.g. kube-system) cannot be deleted on destroy.\n" +
    "  - Intentional upsert: set upsertExistingObjects on the provider to allow\n" +
    "    server-side apply to update existing objects on create."
  );
}
