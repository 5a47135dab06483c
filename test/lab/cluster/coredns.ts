import { images } from "../../../stacks/versions.ts";
import { CLUSTER_DNS, CLUSTER_DOMAIN } from "./network.ts";

const NAMESPACE = "kube-system";
const LABELS = { "k8s-app": "kube-dns" };
const CONFIG_NAME = "coredns";

// Like k3s's, without the node's host names, which the lab does not need.
const COREFILE = `.:53 {
    errors
    health
    ready
    kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    forward . /etc/resolv.conf
}
`;

/** Cluster DNS with the names that k3s uses, as objects to apply. */
export function clusterDns(): object {
  return {
    apiVersion: "v1",
    kind: "List",
    items: [...access(), config(), deployment(), service()],
  };
}

function access(): object[] {
  const roleName = "system:coredns";
  const apiGroup = "rbac.authorization.k8s.io";
  const watch = ["list", "watch"];
  return [
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "coredns", namespace: NAMESPACE },
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRole",
      metadata: { name: roleName },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: watch },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: watch },
      ],
    },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: roleName },
      roleRef: { apiGroup, kind: "ClusterRole", name: roleName },
      subjects: [{ kind: "ServiceAccount", name: "coredns", namespace: NAMESPACE }],
    },
  ];
}

function config(): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: CONFIG_NAME, namespace: NAMESPACE },
    data: { Corefile: COREFILE },
  };
}

function deployment(): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "coredns", namespace: NAMESPACE, labels: LABELS },
    spec: {
      replicas: 1,
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: "coredns",
          priorityClassName: "system-cluster-critical",
          dnsPolicy: "Default",
          containers: [container()],
          volumes: [{ name: "config", configMap: { name: CONFIG_NAME } }],
        },
      },
    },
  };
}

function container(): object {
  return {
    name: "coredns",
    image: images.coredns,
    args: ["-conf", "/etc/coredns/Corefile"],
    ports: [
      { name: "dns", containerPort: 53, protocol: "UDP" },
      { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
      { name: "metrics", containerPort: 9153, protocol: "TCP" },
    ],
    readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
    livenessProbe: { httpGet: { path: "/health", port: 8080 }, initialDelaySeconds: 60 },
    resources: { requests: { cpu: "100m", memory: "70Mi" }, limits: { memory: "170Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
  };
}

function service(): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: NAMESPACE,
      labels: { ...LABELS, "kubernetes.io/cluster-service": "true" },
    },
    spec: {
      selector: LABELS,
      clusterIP: CLUSTER_DNS,
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
        { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
      ],
    },
  };
}
