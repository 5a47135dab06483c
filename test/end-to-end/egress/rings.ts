import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import { restrictedNamespaceLabels } from "../../../components/kubernetes/restricted.ts";
import { type Lab, runInLab } from "../../lab/cluster/index.ts";
import type { Target } from "../../lab/target.ts";
import { goodPod, refusalsOf } from "../../verify/egress/admission.ts";
import type { Surroundings } from "../../verify/egress/attempt.ts";

/** Sends a command to the lab's policy controller (`off`, `delay 0s`, `delay never`). It is in force on return. */
export async function tellPolicyController(lab: Lab, command: string): Promise<void> {
  const socket = createConnection(lab.netpolSocket);
  socket.write(`${command}\n`);
  const answer = JSON.parse(await text(socket)) as { error?: string };
  if (answer.error !== undefined) throw new Error(answer.error);
}

/** Removes the node's firewall. */
export async function removeNodeFirewall(lab: Lab): Promise<void> {
  await runInLab(lab, ["nft", "delete", "table", "inet", "node-firewall"], { cwd: "/" });
}

/** Loads the node's firewall again. */
export async function loadNodeFirewall(lab: Lab): Promise<void> {
  const file = join(lab.dir, "etc/node-firewall.nft");
  await runInLab(lab, ["nft", "-f", file], { cwd: "/" });
}

/** Runs a function with rings removed, and restores them afterwards. */
export async function without<T>(
  lab: Lab,
  rings: readonly ("policy" | "firewall")[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    if (rings.includes("policy")) await tellPolicyController(lab, "off");
    if (rings.includes("firewall")) await removeNodeFirewall(lab);
    return await work();
  } finally {
    await tellPolicyController(lab, "delay 0s");
    await loadNodeFirewall(lab);
  }
}

/** Objects in a form in which they can be created again: without fields of one particular creation. */
async function saved(target: Target, ...what: readonly string[]): Promise<string> {
  const list = JSON.parse(await target.kubectl(["get", ...what, "--output=json"])) as {
    items?: { metadata: Record<string, unknown> }[];
    metadata: Record<string, unknown>;
  };
  for (const { metadata } of list.items ?? [list]) {
    for (const field of ["uid", "resourceVersion", "creationTimestamp", "generation"]) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
      delete metadata[field];
    }
  }
  return JSON.stringify(list);
}

const OF_DNS = `--selector=${labelKeys.role}=dns`;

/** Runs a function while the agents' DNS forwards unknown names to the cluster's DNS. */
export async function withForwardingDns<T>(
  target: Target,
  { gatewayNamespace, clusterDns }: Surroundings,
  work: () => Promise<T>,
): Promise<T> {
  const here = `--namespace=${gatewayNamespace}`;
  const config = ["configmap", "egress-dns", here];
  const was = JSON.parse(await target.kubectl(["get", ...config, "--output=json"])) as {
    data: { Corefile: string };
  };
  const serve = async (Corefile: string) => {
    const patch = `--patch=${JSON.stringify({ data: { Corefile } })}`;
    const before = await target.kubectl(["get", "pods", here, OF_DNS, "--output=name"]);
    await target.kubectl(["patch", ...config, "--type=merge", patch]);
    await target.kubectl(["rollout", "restart", "deployments", OF_DNS, here]);
    await target.kubectl(["rollout", "status", "deployments", OF_DNS, here, "--timeout=120s"]);
    // The old pod keeps answering as long as queries may still be sent to it.
    const old = before.trim().split("\n");
    await target.kubectl(["wait", ...old, here, "--for=delete", "--timeout=120s"]);
  };
  const forwarding = was.data.Corefile.replace(/^ *file .*$/m, `    forward . ${clusterDns}`);
  try {
    await serve(forwarding);
    return await work();
  } finally {
    await serve(was.data.Corefile);
  }
}

const NETWORK_POLICIES = ["networkpolicies", "--all-namespaces"];

/** Runs a function while all NetworkPolicies of the cluster are deleted, and creates them again afterwards. */
export async function withoutPolicyObjects<T>(target: Target, work: () => Promise<T>): Promise<T> {
  const input = await saved(target, ...NETWORK_POLICIES);
  try {
    await target.kubectl(["delete", ...NETWORK_POLICIES, "--all"]);
    return await work();
  } finally {
    await target.kubectl(["apply", "--filename=-"], { input });
  }
}

/** Runs a function while no admission policy is bound, or an agent's namespace has no pod security, or both. */
export async function withoutAdmission<T>(
  target: Target,
  around: Surroundings,
  rings: readonly AdmissionRing[],
  work: () => Promise<T>,
): Promise<T> {
  const binding = [
    "validatingadmissionpolicybinding",
    `claude-gateway-agents-${around.gatewayNamespace}`,
  ];
  const input = await saved(target, ...binding);
  const labels = Object.entries(restrictedNamespaceLabels);
  const label = (...changes: string[]) =>
    target.kubectl(["label", "--overwrite", "namespace", around.agent, ...changes]);
  try {
    // Without the label, the namespace would have the cluster's default, which is equally strict.
    if (rings.includes("pod-security")) await label(`${ENFORCE}=privileged`);
    if (rings.includes("admission")) await target.kubectl(["delete", ...binding]);
    await untilRefusedBy(target, around, {
      admission: !rings.includes("admission"),
      "pod-security": !rings.includes("pod-security"),
    });
    return await work();
  } finally {
    await label(...labels.map(([key, value]) => `${key}=${value}`));
    await target.kubectl(["apply", "--filename=-"], { input });
    await untilRefusedBy(target, around, { admission: true, "pod-security": true });
  }
}

const ENFORCE = "pod-security.kubernetes.io/enforce";

type AdmissionRing = "admission" | "pod-security";

/** Waits until the API server applies changed labels and bindings, which takes a moment. */
async function untilRefusedBy(
  target: Target,
  around: Surroundings,
  wanted: Readonly<Record<AdmissionRing, boolean>>,
): Promise<void> {
  const good = await goodPod(target, around);
  const withoutGate = { ...good, spec: { ...good.spec, initContainers: [] } };
  const onTheHost = { ...good, spec: { ...good.spec, hostNetwork: true } };
  for (;;) {
    const [gate, host] = await refusalsOf([withoutGate, onTheHost], target);
    const refused = {
      admission: gate !== undefined,
      "pod-security": host?.includes("violates PodSecurity") === true,
    };
    if (isDeepStrictEqual(refused, wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
