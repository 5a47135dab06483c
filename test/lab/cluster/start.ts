import type { Status } from "../progress.ts";
import { runInLab } from "./command.ts";
import type { Components } from "./components.ts";
import { clusterDns } from "./coredns.ts";
import { type Daemon, daemonPid, startDaemon, whileAlive } from "./daemons.ts";
import { kubectl } from "./kubectl.ts";
import type { Lab } from "./lab.ts";
import { localStorage } from "./local-path.ts";
import { NODE_SYSCTLS } from "./network.ts";
import { configDir } from "./node.ts";
import { NODE_NAME } from "./sandbox.ts";
import { readyPods, untilItSucceeds, untilPodsRun, untilServing } from "./serving.ts";

const START_SECONDS = 120;

/** Connects the node to `internet`, which has all addresses of the outside world. */
export async function connect(lab: Lab): Promise<void> {
  const etc = configDir(lab);
  const settings = NODE_SYSCTLS.map((setting) => {
    const [name = "", value = ""] = setting.split("=");
    return `echo ${value} >/proc/sys/${name}`;
  });
  const script = [
    "set -e",
    `ip -batch ${etc}/node.ip`,
    `ip -netns internet -batch ${etc}/internet.ip`,
    `nft -f ${etc}/masquerade.nft`,
    // Like the machine's startup script, load it before any pod runs.
    `nft -f ${etc}/node-firewall.nft`,
    ...settings,
  ];
  await runInLab(lab, ["sh", "-c", script.join("\n")], { cwd: "/" });
}

/**
 * Starts those of the cluster's programs that do not run. On return all of them are ready, the node is Ready, cluster DNS
 * answers, volumes can be provisioned, and the pods that existed before run again.
 */
export async function startComponents(
  lab: Lab,
  programs: Components,
  status: Status,
): Promise<void> {
  const { kubelet, controllerManager, scheduler, kubeProxy, networkPolicies } = programs;
  const clients = [kubelet, controllerManager, scheduler, kubeProxy, networkPolicies];
  const servers = [programs.etcd, programs.apiServer, programs.containerd, programs.resolver];
  const start = (daemons: readonly Daemon[]) =>
    Promise.all(
      daemons
        .filter(({ name }) => daemonPid(lab, name) === undefined)
        .map((daemon) => startDaemon(lab, daemon)),
    );
  await start(servers);
  status("waiting for the API server");
  await apiServerReady(lab);
  const pods = await readyPods(lab);
  await start(clients);
  const everyName = Object.values(programs).map(({ name }) => name);
  status("waiting for the node, cluster DNS and the volumes' provisioner");
  await whileAlive(lab, [kubelet.name, ...everyName], START_SECONDS, async (signal) => {
    for (const objects of [clusterDns(), await localStorage()]) {
      const input = JSON.stringify(objects);
      const apply = ["apply", "--filename=-"];
      await untilItSucceeds(signal, () => kubectl(lab, apply, { input, signal }));
    }
    const wait = ["wait", `--timeout=${START_SECONDS}s`];
    await kubectl(lab, [...wait, "--for=create", `node/${NODE_NAME}`], { signal });
    await kubectl(lab, [...wait, "--for=condition=Ready", `node/${NODE_NAME}`], { signal });
    const system = ["coredns", "local-path-provisioner"].map((name) => `deployment/${name}`);
    await untilServing(lab, programs, signal);
    await untilPodsRun(lab, pods, signal);
    const available = [...wait, "--for=condition=Available", "--namespace=kube-system"];
    await kubectl(lab, [...available, ...system], { signal });
  });
}

/** Waits until the API server answers. */
export async function apiServerReady(lab: Lab): Promise<void> {
  await whileAlive(lab, ["kube-apiserver", "etcd"], START_SECONDS, (signal) =>
    untilItSucceeds(signal, () => kubectl(lab, ["get", "--raw=/readyz"], { signal })),
  );
}
