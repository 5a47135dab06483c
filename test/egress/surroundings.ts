import { labelKeys } from "../../components/labels.ts";
import type { GatewayVariant } from "../../components/gateway/variant.ts";
import { BadInput } from "../conformance/subject/subject.ts";
import type { Target } from "../lab/target.ts";
import type { Surroundings } from "./attempt.ts";

/** Looks up what attempts need to know of a deployed stack. Throws {@link BadInput}. */
export async function surroundingsOf(
  target: Target,
  stack: string,
  outputs: Readonly<Record<string, unknown>>,
): Promise<Surroundings> {
  const get = async (...args: string[]) => (await target.kubectl(["get", ...args])).trim();
  const agents = (outputs.agents ?? {}) as Record<string, { namespace: string }>;
  const agent = Object.values(agents)[0]?.namespace;
  if (agent === undefined) throw new BadInput(`stack ${stack} has no agent to try from`);
  const runner = ["deployment", "runner", `--namespace=${agent}`, "--ignore-not-found"];
  if ((await get(...runner)) === "") {
    throw new BadInput(`namespace ${agent} has no runner to try from: set images.runner`);
  }
  const gatewayNamespace = await get(
    "namespaces",
    `--selector=${labelKeys.stack}=${stack},${labelKeys.role}=gateway`,
    "--output=jsonpath={.items[0].metadata.name}",
  );
  const address = (service: string, namespace: string) =>
    get("service", service, `--namespace=${namespace}`, "--output=jsonpath={.spec.clusterIP}");
  return {
    variant: variantOf(outputs),
    agent,
    gatewayNamespace,
    gatewayAddress: await address("gateway", gatewayNamespace),
    pods: await podAddresses(target, gatewayNamespace),
    dnsAddress: await address("egress-dns", gatewayNamespace),
    clusterDns: await address("kube-dns", "kube-system"),
    apiServerAddress: await address("kubernetes", "default"),
    nodeAddress: await get(
      "nodes",
      '--output=jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
    ).then((addresses) => addresses.split(" ")[0] ?? ""),
  };
}

function variantOf({ gatewayPath, baseUrl }: Readonly<Record<string, unknown>>): GatewayVariant {
  if (gatewayPath !== "envoy") return gatewayPath as GatewayVariant;
  return String(baseUrl).startsWith("https:") ? "envoy-sni" : "envoy-terminate";
}

interface PodList {
  readonly items: readonly {
    readonly metadata: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly deletionTimestamp?: string;
    };
    readonly status: { readonly podIP?: string };
  }[];
}

async function podAddresses(target: Target, namespace: string): Promise<Record<string, string>> {
  const list = await target.kubectl(["get", "pods", `--namespace=${namespace}`, "--output=json"]);
  const living = (JSON.parse(list) as PodList).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
  return Object.fromEntries(
    living.map(({ metadata, status }) => [
      metadata.labels?.[labelKeys.role] ?? "",
      status.podIP ?? "",
    ]),
  );
}
