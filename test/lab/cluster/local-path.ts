import { DATA_DIR } from "../../../infra/machine/k3s-config.ts";
import { imageReference } from "../images/images.ts";

const NAMESPACE = "kube-system";
const NAME = "local-path-provisioner";
const ACCOUNT = `${NAME}-service-account`;
const LABELS = { app: NAME };
const CONFIG_NAME = "local-path-config";

/** k3s's folder for volumes. It is on the lab's disk. */
const VOLUMES = `${DATA_DIR}/k3s/storage`;

const SETUP = `#!/bin/sh
set -eu
mkdir -m 0777 -p "\${VOL_DIR}"
chmod 700 "\${VOL_DIR}/.."
`;

const TEARDOWN = `#!/bin/sh
set -eu
rm -rf "\${VOL_DIR}"
`;

/**
 * k3s's default StorageClass and its provisioner, as objects to apply. Different from k3s v1.36 are the release (v0.0.30
 * instead of v0.0.36, which Go's module proxy does not serve) and the image of the helper pod, which has Debian's shell
 * instead of Busybox. The manifest is the one that k3s had for v0.0.29.
 * https://github.com/k3s-io/k3s/blob/master/manifests/local-storage.yaml
 */
export async function localStorage(): Promise<object> {
  const items = [...access(), await deployment(), storageClass(), await config()];
  return { apiVersion: "v1", kind: "List", items };
}

function access(): object[] {
  const roleName = "local-path-provisioner-role";
  const apiGroup = "rbac.authorization.k8s.io";
  const read = ["get", "list", "watch"];
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: ACCOUNT, namespace: NAMESPACE },
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRole",
      metadata: { name: roleName },
      rules: [
        {
          apiGroups: [""],
          resources: ["nodes", "persistentvolumeclaims", "configmaps", "pods/log"],
          verbs: read,
        },
        { apiGroups: [""], resources: ["endpoints", "persistentvolumes", "pods"], verbs: ["*"] },
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
        { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: read },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: "local-path-provisioner-bind" },
      roleRef: { apiGroup, kind: "ClusterRole", name: roleName },
      subjects: [{ kind: "ServiceAccount", name: ACCOUNT, namespace: NAMESPACE }],
    },
  ];
}

async function deployment(): Promise<object> {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      revisionHistoryLimit: 0,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          priorityClassName: "system-node-critical",
          serviceAccountName: ACCOUNT,
          tolerations: [
            { key: "CriticalAddonsOnly", operator: "Exists" },
            {
              key: "node-role.kubernetes.io/control-plane",
              operator: "Exists",
              effect: "NoSchedule",
            },
            { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
          ],
          containers: [
            {
              name: NAME,
              image: await imageReference("local-path-provisioner"),
              imagePullPolicy: "IfNotPresent",
              command: [NAME, "start", "--config", "/etc/config/config.json"],
              volumeMounts: [{ name: "config-volume", mountPath: "/etc/config/" }],
              env: [
                {
                  name: "POD_NAMESPACE",
                  valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } },
                },
              ],
            },
          ],
          volumes: [{ name: "config-volume", configMap: { name: CONFIG_NAME } }],
        },
      },
    },
  };
}

function storageClass(): object {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name: "local-path",
      annotations: {
        defaultVolumeType: "local",
        "storageclass.kubernetes.io/is-default-class": "true",
      },
    },
    provisioner: "rancher.io/local-path",
    volumeBindingMode: "WaitForFirstConsumer",
    reclaimPolicy: "Delete",
  };
}

async function config(): Promise<object> {
  const paths = [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: [VOLUMES] }];
  const helperPod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "helper-pod" },
    spec: {
      containers: [
        {
          name: "helper-pod",
          image: await imageReference("local-path-helper"),
          imagePullPolicy: "IfNotPresent",
        },
      ],
    },
  };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: CONFIG_NAME, namespace: NAMESPACE },
    data: {
      "config.json": JSON.stringify({ nodePathMap: paths }),
      setup: SETUP,
      teardown: TEARDOWN,
      "helperPod.yaml": JSON.stringify(helperPod),
    },
  };
}
