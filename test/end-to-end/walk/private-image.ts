import { setTimeout as sleep } from "node:timers/promises";
import { applyPodPatch, type PodPatch } from "../../../components/agents/pod-patch.ts";
import { restrictedContainer, restrictedPod } from "../../../components/kubernetes/restricted.ts";
import type { Stack } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import { MARKER } from "../../lab/registries/registries.ts";

const SECONDS = 60;

/** How an agent's pod with an image of its own ended: its log, or why the node could not pull the image. */
export type Outcome = { readonly log: string } | { readonly pullError: string };

/** Runs a pod of the stack's agent with the image, which prints the image's own file and its whole environment. */
export async function runPrivateImage(
  target: Target,
  stack: Stack,
  namespace: string,
  name: string,
  image: string,
): Promise<Outcome> {
  const { agents } = (await stack.outputs()) as unknown as {
    agents: Record<string, { podPatch: PodPatch }>;
  };
  const [agent] = Object.values(agents);
  if (agent === undefined) throw new Error("the stack has no agent");
  const template = applyPodPatch(agent.podPatch, {
    spec: {
      restartPolicy: "Never",
      enableServiceLinks: false,
      securityContext: restrictedPod(1000),
      containers: [
        {
          name: "tool",
          image,
          command: ["sh", "-c", `cat ${MARKER.path}; env`],
          securityContext: restrictedContainer,
          resources: { requests: { cpu: "1m", memory: "8Mi" } },
        },
      ],
    },
  });
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    ...template,
    metadata: { ...template.metadata, name, namespace },
  };
  const here = `--namespace=${namespace}`;
  await target.kubectl(["create", "--filename=-"], { input: JSON.stringify(pod) });
  try {
    const until = Date.now() + SECONDS * 1000;
    while (Date.now() < until) {
      const { phase, containerStatuses = [] } = JSON.parse(
        await target.kubectl(["get", `pod/${name}`, here, "--output=jsonpath={.status}"]),
      ) as { phase: string; containerStatuses?: { state: { waiting?: Waiting } }[] };
      if (phase === "Succeeded") return { log: await target.kubectl(["logs", name, here]) };
      const { message } = containerStatuses[0]?.state.waiting ?? {};
      // Both reasons come with the registry's answer.
      if (message?.includes("failed to pull") === true) return { pullError: message };
      await sleep(200);
    }
    throw new Error(`the pod did not end in ${SECONDS} s`);
  } finally {
    await target.kubectl(["delete", `pod/${name}`, here, "--now"]);
  }
}

interface Waiting {
  readonly message?: string;
}
