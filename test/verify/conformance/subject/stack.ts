import { BadInput } from "../../../../cli/command-line.ts";
import { runTurn } from "../../../lab/claude.ts";
import type { AnthropicControl } from "../../../lab/anthropic/client.ts";
import type { PolicySettings } from "../../../../stacks/deployment.ts";
import type { Target } from "../../../lab/target.ts";
import {
  deployables,
  type VariantName,
  variantNamed,
} from "../../../../components/gateway/paths/index.ts";
import {
  DEFAULT_PROVIDER,
  type ProviderName,
} from "../../../../components/gateway/providers/index.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import { living } from "../../../../components/kubernetes/living-pods.ts";
import { labelKeys } from "../../../../components/kubernetes/labels.ts";
import { type ClaudeRequest, PAID_TURN_TOKENS, PATIENCE_MS } from "../checks/check.ts";
import { MODEL } from "../checks/relay.ts";
import type { RawClient } from "../client/raw-client.ts";
import {
  ENVOY_CONFIGURATION_SOURCE,
  LITELLM_CONFIGURATION_SOURCE,
  liteLlmConfiguration,
  type RunningConfiguration,
} from "../checks/running-configuration.ts";
import { SPENDER } from "../spender.ts";
import { searchAgent } from "../../secrets/agent-keys.ts";
import { agentClient } from "./agent-client.ts";
import { gatewayNamespace } from "./gateway-namespace.ts";
import { preflight } from "./preflight.ts";
import { requestLog } from "./request-log.ts";
import type { Subject } from "./subject.ts";
import { type DeployedPod, versionsOf } from "./versions.ts";

/** The fields of a pod that are read here. */
interface Pod extends DeployedPod {
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export interface StackArgs {
  readonly target: Target;
  /** The stack's name and outputs. */
  readonly stack: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The fake API, if the gateway uses it. */
  readonly upstream: AnthropicControl | undefined;
  readonly long: boolean;
}

/** Opens a deployed stack's gateway for measuring, from its first agent's pod. Throws {@link BadInput}. */
export async function openStack(args: StackArgs): Promise<Subject> {
  const { target, stack } = args;
  const outputs = args.outputs as {
    readonly baseUrl?: string;
    readonly agents?: Readonly<Record<string, { readonly namespace: string }>>;
    readonly policySettings?: PolicySettings;
  };
  const agents = Object.values(outputs.agents ?? {}).map(({ namespace }) => namespace);
  const [agent] = agents;
  if (outputs.baseUrl === undefined || agent === undefined) {
    throw new BadInput(`stack ${stack} has no gateway. Deploy it: pulumi up -s ${stack}`);
  }
  const gateway = await gatewayNamespace(target, stack);
  const { variant, provider, name, pods } = await readyPods(target, stack, gateway);
  // It is only behind a gateway with Anthropic's API.
  const upstream = provider === DEFAULT_PROVIDER ? args.upstream : undefined;

  // Only with the fake API, because the agent's budget is spent.
  const spender = upstream && agents.find((name) => name.endsWith(SPENDER));
  const client = await agentClient(target, { namespace: agent, stack });
  let spending: RawClient | undefined;
  const close = () => {
    client.close();
    spending?.close();
  };
  try {
    if (spender !== undefined) spending = await agentClient(target, { namespace: spender, stack });
    if (provider === DEFAULT_PROVIDER) await preflight(client);
    return {
      stack,
      path: variant,
      ...(provider !== DEFAULT_PROVIDER && { provider }),
      versions: await versionsOf(target, pods, agent),
      baseUrl: outputs.baseUrl,
      ...(args.upstream !== undefined && { free: true as const }),
      serverFetch: outputs.policySettings?.serverFetch,
      context: {
        client,
        ...(upstream === undefined ? {} : { upstream }),
        claude: (request) =>
          runTurn(target, {
            namespace: agent,
            ...(args.upstream === undefined ? limited(request, provider) : request),
          }),
        configuration: () => runningConfiguration(target, gateway, pods),
        search: () => searchAgent(target, stack, { agent, variant, gatewayNamespace: gateway }),
        ...(isMetered(variantNamed(variant)) && {
          requestLog: (sessionId: string) =>
            requestLog(target, { namespace: gateway, variant: name }, sessionId),
        }),
        ...(spender !== undefined &&
          spending !== undefined && { spender: { agent: spender, client: spending } }),
        patienceMs: PATIENCE_MS,
        long: args.long,
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A turn that costs money: the checks' own model, one request, a short answer. */
function limited(request: ClaudeRequest, provider: ProviderName): ClaudeRequest {
  const model = provider === DEFAULT_PROVIDER ? MODEL : "haiku";
  return {
    ...request,
    args: [...(request.args ?? []), "--model", model, "--max-turns", "1"],
    env: { ...request.env, CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(PAID_TURN_TOKENS) },
  };
}

/** The pods behind the Service, the other pods of the gateway, the variant and the provider. */
async function readyPods(
  target: Target,
  stack: string,
  namespace: string,
): Promise<{
  variant: VariantName;
  provider: ProviderName;
  /** Value of the pods' label. */
  name: string;
  pods: readonly Pod[];
}> {
  const json = async <Result>(...what: readonly string[]) =>
    JSON.parse(
      await target.kubectl(["get", ...what, `--namespace=${namespace}`, "--output=json"]),
    ) as Result;
  const service = await json<{ spec: { selector: Readonly<Record<string, string>> } }>(
    "service",
    "gateway",
  );
  const name = service.spec.selector[labelKeys.path] ?? "";
  const found = deployables.find(({ deployed }) => deployed.name === name);
  if (found === undefined) throw new BadInput(`the gateway of stack ${stack} has an unknown path`);
  const { items } = await json<{ items: readonly Pod[] }>(
    "pods",
    "--selector",
    `${labelKeys.path}=${name}`,
  );
  const pods = living(items);
  const waiting = pods.find(
    ({ status }) =>
      !(status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True"),
  );
  if (waiting !== undefined || pods.length === 0) {
    const why =
      waiting === undefined
        ? "there is no pod"
        : `pod ${waiting.metadata.name} is ${waiting.status.phase}`;
    throw new BadInput(
      `the gateway of stack ${stack} is not ready (${why}). See: kubectl get pods -n ${namespace}`,
    );
  }
  const { variant, provider } = found;
  return { variant, provider, name, pods };
}

async function runningConfiguration(
  target: Target,
  namespace: string,
  pods: readonly Pod[],
): Promise<RunningConfiguration> {
  const read = (pod: Pod, container: string, ...command: string[]) =>
    target.kubectl([
      ...["exec", `--namespace=${namespace}`, pod.metadata.name, `--container=${container}`, "--"],
      ...command,
    ]);
  const parts: RunningConfiguration[] = [];
  for (const pod of pods) {
    const names = pod.spec.containers.map(({ name }) => name);
    if (names.includes("envoy")) {
      const command = ["node", "--input-type=module", "--eval", ENVOY_CONFIGURATION_SOURCE];
      parts.push(JSON.parse(await read(pod, "drain", ...command)) as RunningConfiguration);
    }
    if (names.includes("litellm")) {
      const command = ["python3", "-c", LITELLM_CONFIGURATION_SOURCE];
      parts.push(liteLlmConfiguration(await read(pod, "litellm", ...command)));
    }
  }
  return {
    limits: parts.flatMap(({ limits }) => limits),
    retries: parts.flatMap(({ retries }) => retries),
  };
}
