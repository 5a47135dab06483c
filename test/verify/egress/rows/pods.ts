import type { BadPod, Pod } from "../attempt.ts";

function bad(
  id: string,
  title: string,
  spoil: (pod: Pod) => void,
  rings: BadPod["rings"] = ["admission"],
): BadPod {
  return { id: `pod.${id}`, title: `a pod ${title}`, expected: "blocked", rings, spoil };
}

/** A pod that the Pod Security Standard of its namespace rejects too. */
const unsafe = (id: string, title: string, spoil: (pod: Pod) => void) =>
  bad(id, title, spoil, ["admission", "pod-security"]);

/** Pods that the API server must not accept in an agent's namespace. */
export const pods: readonly BadPod[] = [
  bad("label", "without the agent's label", (pod) => {
    pod.metadata.labels = {};
  }),
  bad("gate-missing", "without the start gate", ({ spec }) => {
    spec.initContainers = [];
  }),
  bad("gate-second", "whose gate is not the first init container", ({ spec }) => {
    spec.initContainers.unshift({ ...spec.containers[0], name: "first" });
  }),
  bad("gate-sidecar", "whose gate is a sidecar, so the agent does not wait for it", ({ spec }) => {
    spec.initContainers[0] = { ...spec.initContainers[0], restartPolicy: "Always" };
  }),
  bad("gate-command", "whose gate does nothing", ({ spec }) => {
    spec.initContainers[0] = { ...spec.initContainers[0], command: ["true"] };
  }),
  bad("gate-script", "whose gate has another file mounted over its script", ({ spec }) => {
    const [gate = {}] = spec.initContainers;
    const mounts = gate.volumeMounts as object[];
    const mount = { name: "tmp", mountPath: "/etc/egress-gate/gate.mjs", subPath: "gate.mjs" };
    spec.initContainers[0] = { ...gate, volumeMounts: [...mounts, mount] };
  }),
  bad(
    "gate-environment",
    "whose gate has an environment variable that loads other code first",
    ({ spec }) => {
      const [gate = {}] = spec.initContainers;
      const env = [
        ...(gate.env as object[]),
        { name: "NODE_OPTIONS", value: "--import=/tmp/x.mjs" },
      ];
      spec.initContainers[0] = { ...gate, env };
    },
  ),
  bad("dns-cluster", "with the cluster's DNS", ({ spec }) => {
    delete spec.dnsConfig;
    spec.dnsPolicy = "ClusterFirst";
  }),
  bad("dns-foreign", "with a foreign resolver in addition to the agents' DNS", ({ spec }) => {
    const { nameservers } = spec.dnsConfig as { nameservers: string[] };
    spec.dnsConfig = { nameservers: [...nameservers, "8.8.8.8"] };
  }),
  bad("token-mounted", "with a service account's token", ({ spec }) => {
    delete spec.automountServiceAccountToken;
  }),
  bad("token-projected", "with a projected service account's token", ({ spec }) => {
    spec.volumes.push({
      name: "token",
      projected: { sources: [{ serviceAccountToken: { path: "token" } }] },
    });
  }),
  ...["hostNetwork", "hostPID", "hostIPC"].map((field) =>
    unsafe(field, `with ${field}`, ({ spec }) => {
      spec[field] = true;
    }),
  ),
  unsafe("hostPath", "with a hostPath volume", ({ spec }) => {
    spec.volumes.push({ name: "host", hostPath: { path: "/" } });
  }),
  unsafe("hostPort", "with a hostPort", ({ spec }) => {
    spec.containers[0] = { ...spec.containers[0], ports: [{ containerPort: 80, hostPort: 80 }] };
  }),
  unsafe("privileged", "with a privileged container", ({ spec }) => {
    spec.containers[0] = { ...spec.containers[0], securityContext: { privileged: true } };
  }),
  bad("capability", "with the only capability that pod security allows", ({ spec }) => {
    const { securityContext } = spec.containers[0] as { securityContext: object };
    spec.containers[0] = {
      ...spec.containers[0],
      securityContext: {
        ...securityContext,
        capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
      },
    };
  }),
  bad("priority", "that would not give way to the gateway's pods", ({ spec }) => {
    spec.priorityClassName = "system-node-critical";
  }),
  unsafe("unrestricted", "without restricted settings", ({ spec }) => {
    delete spec.securityContext;
  }),
];
