import { living, OLDEST_FIRST } from "../../components/kubernetes/living-pods.ts";
import { labelKeys } from "../../components/kubernetes/labels.ts";
import type { FoundStack } from "../../test/verify/conformance/subject/find-stack.ts";
import { gatewayNamespace } from "../../test/verify/conformance/subject/gateway-namespace.ts";
import { collect as collectUsage } from "../usage/collect.ts";
import { budgetRows } from "./budget.ts";
import { kubeconfigRows, type Minted, MINTED_SCRIPT, mintedRows } from "./credentials.ts";
import { hostRows } from "./host.ts";
import { readVerdict } from "./last-verdict.ts";
import { type Node, nodeRows } from "./node.ts";
import { type Pod, podRow } from "./pods.ts";
import { rowsOf, type StatusReport } from "./report.ts";
import { verdictRow } from "./verdict.ts";

type Cluster = Pick<FoundStack["target"], "kubectl">;

interface GatewayPod extends Pod {
  readonly metadata: Pod["metadata"] & { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly initContainers?: readonly { readonly name: string }[] };
}

/** Asks everything that the screen shows. Throws {@link BadInput} if the stack has no gateway on its cluster. */
export async function collect(
  { target, outputs, host }: FoundStack,
  stack: string,
  nowMs = Date.now(),
): Promise<StatusReport> {
  const namespace = await gatewayNamespace(target, stack);
  const pods = await podsIn<GatewayPod>(target, namespace);
  const gateway = living(pods).filter(
    ({ metadata }) => metadata.labels[labelKeys.role] === "gateway",
  );
  const path = gateway.at(-1)?.metadata.labels[labelKeys.path] ?? String(outputs.gatewayPath);
  const { agents = {} } = outputs as {
    readonly agents?: Readonly<Record<string, { readonly namespace: string }>>;
  };

  const parts = await Promise.all([
    ...(host === undefined ? [] : [hostRows(host, nowMs)]),
    rowsOf("nodes", async () =>
      nodeRows(await listed<Node>(target, ["get", "nodes", "--output=json"])),
    ),
    Promise.resolve([
      podRow(`gateway (${path})`, namespace, pods, {
        nowMs,
        ...(gateway.length === 0 && { lacking: noGateway(stack) }),
      }),
    ]),
    ...Object.entries(agents).map(([name, agent]) =>
      rowsOf(`agent ${name}`, async () => [
        podRow(`agent ${name}`, agent.namespace, await podsIn(target, agent.namespace), {
          nowMs,
        }),
      ]),
    ),
    rowsOf("budgets", async () => budgetRows((await collectUsage(target, stack)).report.budgets)),
    rowsOf("credentials", async () => mintedRows(await minted(target, namespace, gateway))),
    rowsOf("kubeconfig", () =>
      kubeconfigRows(
        target.kubeconfig,
        nowMs,
        host === undefined
          ? "get a new one from whoever runs the cluster"
          : `npm run tunnel -- --stack ${host}`,
      ),
    ),
    rowsOf("last verdict", async () => [
      verdictRow(await readVerdict(target, namespace), { stack, path, nowMs }),
    ]),
  ]);
  return { stack, at: new Date(nowMs).toISOString(), rows: parts.flat() };
}

function noGateway(stack: string) {
  return {
    what: "none is a gateway",
    todo: `agents reach nothing. Deploy it again: pulumi up --refresh -s ${stack} (docs/runbook.md, ClaudeGatewayDown)`,
  };
}

async function podsIn<P extends Pod>(cluster: Cluster, namespace: string): Promise<P[]> {
  return listed<P>(cluster, [
    ...["get", "pods", `--namespace=${namespace}`, OLDEST_FIRST, "--output=json"],
  ]);
}

async function listed<Item>(cluster: Cluster, args: readonly string[]): Promise<Item[]> {
  return (JSON.parse(await cluster.kubectl(args)) as { items: Item[] }).items;
}

/** What the newest gateway pod with the helper says of its credentials. */
async function minted(
  cluster: Cluster,
  namespace: string,
  gateway: readonly GatewayPod[],
): Promise<Minted[]> {
  const pod = gateway.findLast(({ spec }) =>
    spec.initContainers?.some(({ name }) => name === "mint"),
  );
  if (pod === undefined) return [];
  const printed = await cluster.kubectl([
    ...["exec", `--namespace=${namespace}`, pod.metadata.name, "--container=mint", "--"],
    ...["node", "--eval", MINTED_SCRIPT],
  ]);
  return JSON.parse(printed) as Minted[];
}
