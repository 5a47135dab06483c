import { applyPodPatch, type PodPatch } from "../../../components/agents/pod-patch.ts";
import { restrictedContainer, restrictedPod } from "../../../components/kubernetes/restricted.ts";
import type { Range } from "./range.ts";

/** How many pods run at a time; when one ends, the next starts. The agent's quota allows 20. */
const AT_A_TIME = 15;
const NAME = "fresh";

/** Records which destinations answer. It runs from the first instruction on, and longer than late policies take. */
const PROBE = `
dial() { timeout 3 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null && echo "$1 port $2" >> /dev/termination-log; }
for destination in "$@"; do dial \${destination% *} \${destination#* } & done
wait
`;

/**
 * Starts pods in the agent's namespace one after another. Of our configuration they have only the output `podPatch`.
 * Returns which of some destinations each pod reached.
 */
export async function runFresh(
  { target, stack, around }: Range,
  args: {
    readonly count: number;
    /** Whether the pods begin with the start gate. */
    readonly gate: boolean;
    readonly destinations: readonly (readonly [address: string, port: number])[];
  },
): Promise<string[][]> {
  const { agents } = (await stack.outputs()) as unknown as {
    agents: Record<string, { namespace: string; podPatch: PodPatch }>;
  };
  const outputOfAgent = Object.values(agents).find(({ namespace }) => namespace === around.agent);
  if (outputOfAgent === undefined) throw new Error(`there is no agent ${around.agent}`);
  const template = applyPodPatch(outputOfAgent.podPatch, {
    spec: {
      restartPolicy: "Never",
      enableServiceLinks: false,
      securityContext: restrictedPod(1000),
      containers: [
        {
          name: "probe",
          image: target.runnerImage,
          command: ["bash", "-c", PROBE, "probe"],
          args: args.destinations.map(([address, port]) => `${address} ${port}`),
          securityContext: restrictedContainer,
          resources: { requests: { cpu: "1m", memory: "8Mi" } },
        },
      ],
    },
  });
  const { initContainers, ...ungated } = template.spec;
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: NAME, namespace: around.agent },
    spec: {
      ...{ completions: args.count, parallelism: AT_A_TIME, backoffLimit: 0 },
      template: { ...template, spec: args.gate ? { ...ungated, initContainers } : ungated },
    },
  };
  const here = `--namespace=${around.agent}`;
  const get = ["get", "pods", here, `--selector=job-name=${NAME}`];
  await target.kubectl(["create", "--filename=-"], { input: JSON.stringify(job) });
  const over = new AbortController();
  // The cluster keeps few ended pods (`terminated-pod-gc-threshold`), so read each one when it ends.
  const watch = () =>
    target
      .kubectl([...get, "--watch", `--output=jsonpath=${STATE}`], { signal: over.signal })
      .catch((error: unknown) => (error as { stdout?: string }).stdout ?? "");
  const watched = (async () => {
    let states = "";
    // A watch can end by itself. The next one begins with the pods that there are.
    while (!over.signal.aborted) states += wholeLines(await watch());
    return states;
  })();
  try {
    const complete = ["--for=condition=Complete", "--timeout=900s"];
    await target.kubectl(["wait", here, `job/${NAME}`, ...complete]);
    // The watch may lag behind a little; the last pods to end still exist.
    const last = await target.kubectl([...get, `--output=jsonpath={range .items[*]}${STATE}{end}`]);
    over.abort();
    return [...endedPods(`${await watched}${last}`).values()];
  } finally {
    over.abort();
    await target.kubectl(["delete", "job", NAME, here, "--cascade=foreground"]);
  }
}

/** One line per pod: its name, and the state of its container as JSON. */
const STATE = '{.metadata.name} {.status.containerStatuses[0].state}{"\\n"}';

const wholeLines = (text: string) => text.slice(0, text.lastIndexOf("\n") + 1);

/** What each ended pod recorded, by its name. */
function endedPods(states: string): Map<string, string[]> {
  const ended = new Map<string, string[]>();
  for (const line of states.split("\n")) {
    const [name = "", ...state] = line.split(" ");
    if (!state.join(" ").startsWith("{")) continue;
    const { terminated } = JSON.parse(state.join(" ")) as {
      terminated?: { readonly message?: string };
    };
    if (terminated === undefined) continue;
    ended.set(
      name,
      (terminated.message ?? "").split("\n").filter((line) => line !== ""),
    );
  }
  return ended;
}
