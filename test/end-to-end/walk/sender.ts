import type { Stack } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import type { Sender as TrafficSender } from "./traffic.ts";

export type Sender = TrafficSender;

interface Outputs {
  readonly baseUrl: string;
  readonly agents: Record<
    string,
    {
      readonly namespace: string;
      readonly tokenSecret: string;
      readonly podPatch: {
        readonly metadata?: { readonly labels?: Record<string, string> };
        readonly spec: { readonly containers: readonly [object] };
      };
    }
  >;
}

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: "RuntimeDefault" },
};

/**
 * Starts a workload in an agent's namespace. Of our configuration it has only the output `podPatch`. If it runs already, it
 * keeps running until {@link stopSender}.
 */
export async function startSender(target: Target, stack: Stack, agent: string): Promise<Sender> {
  const outputs = (await stack.outputs()) as unknown as Outputs;
  const outputOfAgent = outputs.agents[agent];
  if (outputOfAgent === undefined) throw new Error(`there is no agent ${agent}`);
  const { namespace, tokenSecret, podPatch } = outputOfAgent;
  const pod = "sender";
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...podPatch.metadata, name: pod, namespace },
    spec: {
      ...podPatch.spec,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          securityContext: restricted,
          ...podPatch.spec.containers[0],
          name: "sender",
          image: target.runnerImage,
          command: ["sleep", "infinity"],
        },
      ],
    },
  };
  await target.kubectl(["apply", "--filename=-"], { input: JSON.stringify(manifest) });
  await target.kubectl([
    ...["wait", `--namespace=${namespace}`, `pod/${pod}`, "--for=condition=Ready"],
    "--timeout=60s",
  ]);
  const token = await target.kubectl([
    ...["get", "secret", tokenSecret, `--namespace=${namespace}`],
    "--output=jsonpath={.data.token}",
  ]);
  return {
    namespace,
    gatewayNamespace: new URL(outputs.baseUrl).hostname.split(".")[1] ?? "",
    pod,
    baseUrl: outputs.baseUrl,
    token: Buffer.from(token, "base64").toString(),
  };
}

/** Status of the gateway's answer to a small request with the token with which the workload was started. */
export async function answerTo(target: Target, sender: Sender): Promise<number> {
  const body = {
    model: "claude-sonnet-4-5",
    max_tokens: 1,
    messages: [{ role: "user", content: "hi" }],
  };
  const status = await target.kubectl([
    ...["exec", `--namespace=${sender.namespace}`, sender.pod, "--"],
    ...["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}"],
    ...["--header", "content-type: application/json", "--header", "anthropic-version: 2023-06-01"],
    ...["--header", `x-api-key: ${sender.token}`, "--data", JSON.stringify(body)],
    `${sender.baseUrl}/v1/messages`,
  ]);
  return Number(status);
}

/** Removes the workload. */
export async function stopSender(target: Target, { namespace, pod }: Sender): Promise<void> {
  await target.kubectl(["delete", "pod", pod, `--namespace=${namespace}`, "--wait=true"]);
}
