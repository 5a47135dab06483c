import { mintAccount } from "../../../components/gateway/mint/mint.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Lab } from "../../lab/cluster/index.ts";
import type { Progress } from "../../lab/progress.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import { run } from "../../lab/pulumi/run.ts";
import { prepareStack } from "../../lab/stacks.ts";
import type { Target } from "../../lab/target.ts";
import type { FederationRule } from "../../lab/tokens/anthropic.ts";

/** A stack whose credential is federated. `federated.lab.test.ts` makes it, and `walk/federated-renewal.lab.test.ts` removes it. */
export const STACK = "federated";
export const GATEWAY = "federated-gateway";
export const AGENT = "federated-agent";

const IDS = {
  federationRule: "fdrl_01lab",
  organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  serviceAccount: "svac_01lab",
} as const;

/** The shortest life that the gateway takes. Of a fresh assertion, Anthropic would make a token for 1200 s. */
const LIFETIME_SECONDS = 900;

/** Where the stack is, and what its tests call. */
export interface Means {
  readonly lab: Lab;
  readonly target: Target;
  readonly control: AnthropicControl;
}

/** The stack as it is, or a new one with a stored key, which is not deployed. */
export async function stackWithKey({ target }: Means, progress: Progress): Promise<Stack> {
  const pulumi = await target.pulumi(progress);
  if ((await pulumi.stacks()).includes(STACK)) return pulumi.stack(STACK);
  return prepareStack(pulumi, target, STACK, "local", {
    "gateway.path": "envoy",
    "gateway.namespace": GATEWAY,
    "gateway.drainSeconds": "10",
    "agents[0].name": AGENT,
  });
}

/** Changes the configuration from the stored key to the federation. */
export async function configureFederation(stack: Stack): Promise<void> {
  await stack.removeConfig("credential.value");
  await stack.configure({
    "credential.kind": "federated",
    ...Object.fromEntries(
      Object.entries(IDS).map(([name, id]) => [`credential.${name}`, id] as const),
    ),
  });
}

/** Enters in the stand-in's Console what `npm run federation` prints. Returns the rule. */
export async function registerRule({ lab, control }: Means): Promise<FederationRule> {
  const namespace = ["--namespace", GATEWAY];
  const { exitCode, stdout, stderr } = await run({
    argv: [process.execPath, "run.mjs", "commands/federation.ts", "--stack", STACK, ...namespace],
    cwd: lab.cloneDir,
    env: process.env,
  });
  if (exitCode !== 0) throw new Error(`npm run federation ended with ${exitCode}:\n${stderr}`);
  const printed = (what: string) => {
    const found = new RegExp(`^ +${what} +(\\S+)$`, "m").exec(stdout)?.[1];
    if (found === undefined) throw new Error(`npm run federation printed no ${what}:\n${stdout}`);
    return found;
  };
  const { keys } = JSON.parse(/^\{.*?^\}$/ms.exec(stdout)?.[0] ?? "") as Pick<
    FederationRule,
    "keys"
  >;
  const rule: FederationRule = {
    id: IDS.federationRule,
    organization: IDS.organization,
    serviceAccount: IDS.serviceAccount,
    workspaces: ["wrkspc_01lab"],
    issuer: printed("issuer URL"),
    keys,
    subject: printed("subject"),
    audience: printed("audience"),
    lifetimeSeconds: LIFETIME_SECONDS,
    maxAssertionSeconds: 3600,
  };
  await control.setFederationRules([rule]);
  return rule;
}

/** A gateway's pod, as far as it is read here. */
export interface GatewayPod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly serviceAccountName: string };
  readonly status: {
    readonly initContainerStatuses: readonly {
      readonly name: string;
      readonly restartCount: number;
      readonly ready: boolean;
    }[];
  };
}

/** The gateway's only pod. */
export async function gatewayPod({ target }: Means): Promise<GatewayPod> {
  const { items } = JSON.parse(
    await target.kubectl([
      ...["get", "pods", `--namespace=${GATEWAY}`, "--output=json"],
      `--selector=${labelKeys.role}=gateway`,
    ]),
  ) as { items: GatewayPod[] };
  const [pod] = items;
  if (pod === undefined || items.length > 1 || pod.spec.serviceAccountName !== mintAccount) {
    throw new Error(`expected one pod with the helper: ${JSON.stringify(items)}`);
  }
  return pod;
}

/** A line of the helper's log. */
export interface HelperLine {
  readonly time: string;
  readonly message: string;
}

/** What the helper logged since it started last. */
export async function helperSays(means: Means): Promise<HelperLine[]> {
  const { metadata } = await gatewayPod(means);
  const log = await means.target.kubectl([
    ...["logs", `--namespace=${GATEWAY}`, metadata.name, "--container=mint", "--tail=-1"],
  ]);
  return log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as HelperLine);
}
