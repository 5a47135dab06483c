import { BadInput } from "../../../cli/command-line.ts";
import { type ListedPod, living } from "../../../components/kubernetes/living-pods.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import { type VariantName, variants } from "../../../components/gateway/paths/index.ts";
import { servesHttp } from "../../../components/gateway/paths/variant.ts";
import { gatewayNamespace } from "../conformance/subject/gateway-namespace.ts";
import { type DeployedPod, versionsOf } from "../conformance/subject/versions.ts";
import type { Target } from "../../lab/target.ts";
import type { PolicySettings } from "../../../stacks/deployment.ts";
import type { Surroundings } from "./attempt.ts";
import { NO_SETTINGS } from "./in-force.ts";
import { inviteVisitor, sendAway } from "./visitor.ts";

/** A deployed stack. */
export interface Place {
  readonly target: Target;
  readonly stack: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** A deployed stack, ready for the attempts. */
export interface Entered {
  readonly around: Surroundings;
  /** Versions of the running parts. */
  readonly versions: Readonly<Record<string, string>>;
  /** Removes what was deployed for the attempts. */
  readonly leave: () => Promise<void>;
}

/** Collects what the attempts need to know of a deployed stack, and deploys their targets. Throws {@link BadInput}. */
export async function enter({ target, stack, outputs }: Place): Promise<Entered> {
  const get = async (...args: string[]) => (await target.kubectl(["get", ...args])).trim();
  const agents = (outputs.agents ?? {}) as Record<string, { namespace: string }>;
  const agent = Object.values(agents)[0]?.namespace;
  if (agent === undefined)
    throw new BadInput(`stack ${stack} has no agent to try from: add one to agents`);
  const images = await get(
    ...["deployments", "--selector=app=runner", `--namespace=${agent}`],
    "--output=jsonpath={.items[*].spec.template.spec.containers[?(@.name=='runner')].image}",
  );
  const image = images.split(" ")[0] ?? "";
  if (image === "") {
    throw new BadInput(
      `namespace ${agent} has no runner to try from: set images.runner and run pulumi up`,
    );
  }
  const namespace = await gatewayNamespace(target, stack);
  const address = (service: string, at: string) =>
    get("service", service, `--namespace=${at}`, "--output=jsonpath={.spec.clusterIP}");
  const pods = await livingPods(target, namespace);
  const runnerAddresses = await get(
    ...["pods", `--namespace=${agent}`, "--selector=app=runner"],
    "--field-selector=status.phase=Running",
    "--output=jsonpath={.items[*].status.podIPs[*].ip}",
  );
  const nodeAddresses = await get(
    "nodes",
    '--output=jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
  );
  const nodeAddress = nodeAddresses.split(" ")[0] ?? "";
  const known = {
    variant: variantOf(outputs),
    settings: (outputs.policySettings as PolicySettings | undefined) ?? NO_SETTINGS,
    ...{ agent, gatewayNamespace: namespace, nodeAddress },
    gatewayAddress: await address("gateway", namespace),
    pods: Object.fromEntries(
      pods.map(({ metadata, status }) => [
        metadata.labels[labelKeys.role] ?? "",
        status.podIP ?? "",
      ]),
    ),
    dnsAddress: await address("egress-dns", namespace),
    clusterDns: await address("kube-dns", "kube-system"),
    apiServerAddress: await address("kubernetes", "default"),
    ipv6: runnerAddresses.includes(":"),
  };
  const versions = await versionsOf(target, pods, agent);
  const visitor = await inviteVisitor(target, { image, nodeAddress });
  return {
    versions,
    around: { ...known, visitor },
    leave: () => sendAway(target, visitor.namespace),
  };
}

function variantOf({ gatewayPath, baseUrl }: Readonly<Record<string, unknown>>): VariantName {
  const found = variants.find(
    (variant) =>
      variant.path === gatewayPath && servesHttp(variant) !== String(baseUrl).startsWith("https:"),
  );
  if (found === undefined)
    throw new BadInput(`the stack's gatewayPath ${String(gatewayPath)} is not a known path`);
  return found.name;
}

async function livingPods(target: Target, namespace: string) {
  const list = await target.kubectl(["get", "pods", `--namespace=${namespace}`, "--output=json"]);
  const { items } = JSON.parse(list) as {
    items: (DeployedPod & ListedPod & { readonly status: { readonly podIP?: string } })[];
  };
  return living(items);
}
