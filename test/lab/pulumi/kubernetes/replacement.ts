import { isPropertyMap, type PropertyValue } from "../provider/values.ts";
import { at, typeOf, type KubeObject } from "./object.ts";

/** Which of the kinds whose data is immutable by default the provider's arguments have made mutable. */
export interface Mutability {
  readonly configMaps: boolean;
  readonly secrets: boolean;
}

const SELECTOR = [".spec.selector"];
const WORKLOADS = {
  Deployment: SELECTOR,
  DaemonSet: SELECTOR,
  StatefulSet: [
    ".spec.podManagementPolicy",
    ".spec.revisionHistoryLimit",
    ".spec.selector",
    ".spec.serviceName",
    ".spec.volumeClaimTemplates",
  ],
};
const JOB = [".spec.completions", ".spec.parallelism", ".spec.selector", ".spec.template"];
const POD_SPEC =
  "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork " +
  "hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName " +
  "readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName " +
  "shareProcessNamespace subdomain terminationGracePeriodSeconds volumes";
const CONTAINER =
  "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext " +
  "stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir";
const VOLUME_SOURCES =
  "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs " +
  "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume";

const under = (prefix: string, names: string): string[] =>
  names.split(" ").map((name) => `${prefix}.${name}`);

/**
 * The properties whose change replaces an object, by `group/version` and kind, as the provider's own table has them.
 * What is immutable to the API server but not in this table (a Service's other fields, say) fails as an update.
 */
const IMMUTABLE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "apps/v1": WORKLOADS,
  "apps/v1beta2": WORKLOADS,
  "apps/v1beta1": { StatefulSet: WORKLOADS.StatefulSet },
  "batch/v1": { Job: JOB },
  "/v1": {
    PersistentVolume: under(".spec", VOLUME_SOURCES),
    PersistentVolumeClaim: [
      ".spec.accessModes",
      ".spec.selector",
      ".spec.storageClassName",
      ".spec.volumeName",
    ],
    Pod: [
      ...under(".spec", POD_SPEC),
      ...under(".spec.containers[*]", CONTAINER),
      ...under(".spec.initContainers[*]", CONTAINER),
    ],
    ResourceQuota: [".spec.scopes"],
    Secret: [".type"],
    Service: [".spec.clusterIP"],
  },
  "policy/v1beta1": { PodDisruptionBudget: [".spec"] },
  "rbac.authorization.k8s.io/v1": { ClusterRoleBinding: [".roleRef"], RoleBinding: [".roleRef"] },
  "storage.k8s.io/v1": { StorageClass: [".parameters", ".provisioner"] },
};

/** The properties of `object` whose change makes Pulumi replace it. */
export function immutableProperties(object: KubeObject, mutable: Mutability): string[] {
  const { group, version, kind } = typeOf(object);
  const properties = [".metadata.name", ".metadata.namespace"];
  const marked = at(object, "immutable") === true;
  const core = group === "" && version === "v1";
  if (core && kind === "Secret" && (!mutable.secrets || marked)) {
    return [...properties, ".type", ".stringData", ".data"];
  }
  if (core && kind === "ConfigMap" && (!mutable.configMaps || marked)) {
    return [...properties, ".binaryData", ".data"];
  }
  return [...properties, ...(IMMUTABLE[`${group}/${version}`]?.[kind] ?? [])];
}

/** Whether a change at `path`, to `value`, touches one of `properties`. */
export function touches(
  properties: readonly string[],
  path: readonly (string | number)[],
  value: PropertyValue,
): boolean {
  return properties.some((property) => {
    const pattern = property.slice(1).replaceAll("[*]", ".*").split(".");
    return matches(pattern, path, value);
  });
}

function matches(
  pattern: readonly string[],
  path: readonly (string | number)[],
  value: PropertyValue | undefined,
): boolean {
  const [wanted, ...patternRest] = pattern;
  if (wanted === undefined) return true;
  const [step, ...pathRest] = path;
  if (step !== undefined) {
    const fits = wanted === "*" ? typeof step === "number" : step === wanted;
    return fits && matches(patternRest, pathRest, value);
  }
  // The path is at its end: the property may lie inside the value that changed.
  if (wanted === "*") {
    return (
      Array.isArray(value) &&
      (value as PropertyValue[]).some((item) => matches(patternRest, [], item))
    );
  }
  return isPropertyMap(value) && wanted in value && matches(patternRest, [], value[wanted]);
}
