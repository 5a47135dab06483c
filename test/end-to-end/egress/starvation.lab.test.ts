import { afterAll, beforeAll, expect, test } from "vitest";
import { applyPodPatch, type PodPatch } from "../../../components/agents/pod-patch.ts";
import { restrictedContainer, restrictedPod } from "../../../components/kubernetes/restricted.ts";
import { kubeletSettings } from "../../../infra/machine/node-settings.ts";
import { type Sender, startSender, stopSender } from "../walk/sender.ts";
import { streamedText, STREAM_TEXT, trafficDuring } from "../walk/traffic.ts";
import { openRange, type Range } from "./range.ts";

/** An agent's pods take all of the disk, the log, the processes and the memory that they can get, while another agent works. */
let range: Range;
let sender: Sender;
let patch: PodPatch;

beforeAll(async () => {
  range = await openRange();
  const { agents } = (await range.stack.outputs()) as unknown as {
    agents: Record<string, { namespace: string; podPatch: PodPatch }>;
  };
  const own = Object.values(agents).find(({ namespace }) => namespace === range.around.agent);
  if (own === undefined) throw new Error(`there is no agent ${range.around.agent}`);
  patch = own.podPatch;
  sender = await startSender(range.target, range.stack, range.otherAgent);
});

afterAll(async () => {
  await range.target.kubectl([
    ...["delete", "pods", `--namespace=${range.around.agent}`, "--force", "--grace-period=0"],
    ...["--ignore-not-found", ...Object.keys(HUNGRY).map((name) => `hungry-${name}`)],
  ]);
  await stopSender(range.target, sender);
  await range.leave();
});

/** Starts the child processes of a fork bomb without their growth: each sleeps. Reports how many there were. */
const FORK = `n=0; while sleep 600 & do n=$((n + 1)); echo $n >/dev/termination-log; done`;
const FILL = "dd if=/dev/zero of=/scratch/full bs=1M count=4096; sleep 600";
/** Writes lines of 1 kB to stdout as fast as containerd takes them. */
const TALK = `yes "$(head -c 1000 /dev/zero | tr '\\0' .)"`;
const GROW = `python3 -c 'held = []
while True: held.append(bytearray(1 << 24))'`;

const HUNGRY = {
  disk: { command: FILL, limits: { "ephemeral-storage": "256Mi" } },
  log: { command: TALK, limits: { "ephemeral-storage": "256Mi" } },
  processes: { command: FORK, limits: { memory: "3Gi" } },
  memory: { command: GROW, limits: { memory: "256Mi" } },
};

async function startHungry(): Promise<void> {
  const items = Object.entries(HUNGRY).map(([name, { command, limits }]) => {
    const { metadata, spec } = applyPodPatch(patch, {
      spec: {
        restartPolicy: "Never",
        terminationGracePeriodSeconds: 0,
        enableServiceLinks: false,
        securityContext: restrictedPod(1000),
        containers: [
          {
            name: "hungry",
            image: range.target.runnerImage,
            command: ["sh", "-c", command],
            securityContext: restrictedContainer,
            resources: { limits },
            volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
          },
        ],
        volumes: [{ name: "scratch", emptyDir: {} }],
      },
    });
    const own = { name: `hungry-${name}`, namespace: range.around.agent };
    return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, ...own }, spec };
  });
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await range.target.kubectl(["create", "--filename=-"], { input: list });
}

interface Pod {
  readonly spec: {
    readonly priority: number;
    readonly containers: readonly { readonly resources: { readonly limits?: object } }[];
  };
  readonly status: {
    readonly phase: string;
    readonly reason?: string;
    readonly message?: string;
    readonly containerStatuses?: readonly {
      readonly state: {
        readonly terminated?: { readonly reason: string; readonly message?: string };
      };
    }[];
  };
}

async function pods(namespace: string, ...more: string[]): Promise<Pod[]> {
  const list = await range.target.kubectl([
    ...["get", "pods", `--namespace=${namespace}`, "--output=json"],
    ...more,
  ]);
  return (JSON.parse(list) as { items: Pod[] }).items;
}

async function hungry(name: keyof typeof HUNGRY): Promise<Pod["status"]> {
  const [pod] = await pods(range.around.agent, `--field-selector=metadata.name=hungry-${name}`);
  if (pod === undefined) throw new Error(`hungry-${name} is gone`);
  return pod.status;
}

const terminated = ({ containerStatuses }: Pod["status"]) =>
  containerStatuses?.[0]?.state.terminated;

test("every pod of the gateway ranks above every pod of an agent, and each has a limit for the disk", async () => {
  const ofGateway = await pods(range.around.gatewayNamespace);
  expect(ofGateway.length).toBeGreaterThan(3);
  expect(new Set(ofGateway.map(({ spec }) => spec.priority))).toEqual(new Set([1_000_000]));
  const ofAgents = await pods(range.otherAgent);
  expect(new Set(ofAgents.map(({ spec }) => spec.priority))).toEqual(new Set([0]));
  const limits = [...ofGateway, ...ofAgents].flatMap(({ spec }) =>
    spec.containers.map(({ resources }) => Object.keys(resources.limits ?? {})),
  );
  for (const keys of limits) expect(keys).toContain("ephemeral-storage");
});

test("a full disk, a log at full speed, a fork bomb and a memory leak end at their pods' limits, and no stream or request of another agent is lost", async () => {
  const { target, upstream } = range;
  // The kubelet measures a volume every 15 to 30 s, and looks at the measurements every 10 s. The rest is for a slow machine.
  const patience = { timeout: 180_000, interval: 1000 };
  const traffic = await trafficDuring(target, upstream, sender, "starvation", async () => {
    await startHungry();
    await expect.poll(async () => (await hungry("disk")).reason, patience).toBe("Evicted");
    await expect.poll(async () => (await hungry("log")).reason, patience).toBe("Evicted");
    await expect
      .poll(async () => terminated(await hungry("memory"))?.reason, patience)
      .toBe("OOMKilled");
    await expect
      .poll(async () => terminated(await hungry("processes"))?.message, patience)
      .toBeDefined();
  });
  expect((await hungry("disk")).message).toMatch(/ephemeral.*storage/i);
  // It has no other place to write to: the rotation, every 10 s, is too late, and the log counts.
  expect((await hungry("log")).message).toMatch(/ephemeral.*storage/i);
  // The shell and the pod's pause process are among the limit.
  const forked = Number(terminated(await hungry("processes"))?.message);
  expect(forked).toBeGreaterThan(kubeletSettings.podPidsLimit - 20);
  expect(forked).toBeLessThan(kubeletSettings.podPidsLimit);

  expect(traffic.stream.status).toBe(200);
  expect(streamedText(traffic.stream.body ?? "")).toBe(STREAM_TEXT);
  expect(traffic.requests.completed).toBeGreaterThanOrEqual(10);
  expect(traffic.requests.lost).toEqual([]);
}, 600_000);
