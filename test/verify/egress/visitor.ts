import { randomBytes } from "node:crypto";
import { restrictedContainer, restrictedPod } from "../../../components/kubernetes/restricted.ts";
import { BadInput } from "../../../cli/command-line.ts";
import type { Target } from "../../lab/target.ts";

/** Another owner's namespace on the same cluster. Agents must not reach what listens there. */
export interface Visitor {
  readonly namespace: string;
  /** Addresses of a pod that answers on {@link VISITOR_PORT}. */
  readonly pod: { readonly v4: string; readonly v6: string | undefined };
  /** Address of a Service for the pod, and the node port of another Service. */
  readonly service: string;
  readonly nodePort: number;
  /** Addresses of Services with handwritten EndpointSlices. */
  readonly byHand: { readonly outside: string; readonly node: string };
  /** Name of a Service of type ExternalName for {@link EXTERNAL_NAME}. */
  readonly externalName: string;
}

/** Port of the visitor's pod. */
export const VISITOR_PORT = 8080;
/** Where the handwritten EndpointSlices point. */
export const BY_HAND = { outside: "104.16.0.35", kubelet: 10250 } as const;
const EXTERNAL_NAME = "unlisted.example";
const POD = "visitor";
/** The user `nobody`: everybody may read what the visitor serves. */
const USER = 65_534;

/**
 * Deploys the visitor: a pod without a policy, and Services that point to it, to the node and outside. Throws
 * {@link BadInput} if it does not start on the cluster, because then nothing can be measured.
 */
export async function inviteVisitor(
  target: Target,
  args: { readonly image: string; readonly nodeAddress: string },
): Promise<Visitor> {
  const namespace = `way-out-${randomBytes(4).toString("hex")}`;
  const labels = { app: POD };
  const object = (apiVersion: string, kind: string, name: string, body: object) => ({
    ...{ apiVersion, kind, metadata: { name, namespace } },
    ...body,
  });
  const service = (name: string, spec: object) => object("v1", "Service", name, { spec });
  const byHand = (name: string, address: string, port: number) => [
    service(name, { ports: [{ port: 443, targetPort: port }] }),
    {
      ...object("discovery.k8s.io/v1", "EndpointSlice", name, {
        addressType: "IPv4",
        endpoints: [{ addresses: [address] }],
        ports: [{ name: "", port, protocol: "TCP" }],
      }),
      metadata: { name, namespace, labels: { "kubernetes.io/service-name": name } },
    },
  ];
  const items = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      ...object("v1", "Pod", POD, {
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          // The cluster requires these of every namespace without a pod security label, like this one.
          securityContext: restrictedPod(USER),
          containers: [
            {
              securityContext: restrictedContainer,
              name: POD,
              image: args.image,
              command: ["python3", "-m", "http.server", "--bind", "::", String(VISITOR_PORT)],
              workingDir: "/srv",
              readinessProbe: { tcpSocket: { port: VISITOR_PORT }, periodSeconds: 1 },
            },
          ],
        },
      }),
      metadata: { name: POD, namespace, labels },
    },
    service("inside", { selector: labels, ports: [{ port: VISITOR_PORT }] }),
    service("node-port", { type: "NodePort", selector: labels, ports: [{ port: VISITOR_PORT }] }),
    service("external-name", { type: "ExternalName", externalName: EXTERNAL_NAME }),
    ...byHand("outside", BY_HAND.outside, 443),
    ...byHand("node", args.nodeAddress, BY_HAND.kubelet),
  ];
  try {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await target.kubectl(["create", "--filename=-"], { input: list });
    const here = `--namespace=${namespace}`;
    await target.kubectl(["wait", here, `pod/${POD}`, "--for=condition=Ready", "--timeout=120s"]);
    const get = async (...what: readonly string[]) =>
      (await target.kubectl(["get", ...what, here])).trim();
    const address = (name: string) => get("service", name, "--output=jsonpath={.spec.clusterIP}");
    const addresses = await get("pod", POD, "--output=jsonpath={.status.podIPs[*].ip}");
    const nodePort = "--output=jsonpath={.spec.ports[0].nodePort}";
    return {
      namespace,
      pod: {
        v4: addresses.split(" ").find((ip) => !ip.includes(":")) ?? "",
        v6: addresses.split(" ").find((ip) => ip.includes(":")),
      },
      service: await address("inside"),
      nodePort: Number(await get("service", "node-port", nodePort)),
      byHand: { outside: await address("outside"), node: await address("node") },
      externalName: `external-name.${namespace}.svc.cluster.local`,
    };
  } catch (error) {
    const why = await whyNotStarted(target, namespace, error);
    await sendAway(target, namespace);
    throw new BadInput(
      `nothing was tried, because the target pod for the attempts did not start: ${why}`,
      {
        cause: error,
      },
    );
  }
}

/** kubectl's error, and the state of the pod if there is one. */
async function whyNotStarted(target: Target, namespace: string, error: unknown): Promise<string> {
  const { stderr } = error as { stderr?: string };
  const complaint = stderr?.trim() ?? String(error);
  const events = await target
    .kubectl([
      ...["get", "events", `--namespace=${namespace}`, "--field-selector=type=Warning"],
      '--output=jsonpath={range .items[*]}{.message}{"\\n"}{end}',
    ])
    .catch(() => "");
  return [complaint, ...new Set(events.trim().split("\n"))]
    .filter((line) => line !== "")
    .join("\n");
}

/** Deletes a visitor's namespace, without waiting until it is gone. */
export async function sendAway(target: Target, namespace: string): Promise<void> {
  await target.kubectl(["delete", "namespace", namespace, "--wait=false", "--ignore-not-found"]);
}
