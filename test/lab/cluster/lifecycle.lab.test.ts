import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BadInput } from "../../../cli/command-line.ts";
import type { Progress } from "../progress.ts";
import {
  daemonPid,
  ensureCluster,
  kubectl,
  type Lab,
  openLab,
  restartApiServer,
  runInLab,
  runningSandbox,
  sandboxInit,
  startDaemon,
  stopDaemon,
  takeDown,
} from "./index.ts";
import { whileAlive } from "./daemons.ts";
import { DISK_GIB } from "./disk.ts";
import { imageReference } from "../images/images.ts";

const silent: Progress = { step: (_, work) => work(() => undefined), note: () => undefined };

const labs = ["one", "two"].map((name) => openLab(mkdtempSync(join(tmpdir(), `lab-${name}-`))));
const [lab, other] = labs as [Lab, Lab];

afterAll(async () => {
  for (const each of labs) {
    await takeDown(each, silent);
    rmSync(each.cloneDir, { recursive: true });
  }
});

async function nodeUid(of: Lab): Promise<string> {
  return kubectl(of, ["get", "node", "lab", "--output=jsonpath={.metadata.uid}"]);
}

/** What a lab could leave on the machine, besides its processes. */
function machineState(): Record<string, string> {
  const output = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: "utf8" });
  const settings = ["kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory"];
  return {
    links: output("ip", "-brief", "link"),
    rules: output("nft", "list", "ruleset"),
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    settings: settings.map((name) => readFileSync(`/proc/sys/${name}`, "utf8")).join(),
    folders: [
      "/var/lib/kubelet",
      "/var/lib/cni",
      "/var/lib/containerd",
      "/var/log/pods",
      "/run/netns",
      "/usr/libexec/kubernetes",
    ]
      .filter((path) => existsSync(path))
      .join(),
  };
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function readIfAlive(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

const before = machineState();

test("two labs run side by side, each with its own Ready node", async () => {
  await Promise.all([ensureCluster(lab, silent, ["node"]), ensureCluster(other, silent, ["node"])]);
  expect(runningSandbox(lab)).not.toBe(runningSandbox(other));
  expect(await nodeUid(lab)).not.toBe(await nodeUid(other));
});

test("starting a running lab changes nothing", async () => {
  const init = sandboxInit(lab);
  const uid = await nodeUid(lab);
  await ensureCluster(lab, silent, ["node"]);
  expect(sandboxInit(lab)).toBe(init);
  expect(await nodeUid(lab)).toBe(uid);
});

test("the node has its own disk of the configured size", async () => {
  for (const folder of ["/var/lib/kubelet", "/var/lib/containerd", "/var/log/pods"]) {
    const { stdout } = await runInLab(lab, ["df", "--output=source,size", "-B1G", folder]);
    expect(stdout).toMatch(new RegExp(`^/dev/loop\\d+ +${DISK_GIB}$`, "m"));
  }
  const capacity = "--output=jsonpath={.status.capacity.ephemeral-storage}";
  const kib = Number.parseInt(await kubectl(lab, ["get", "node", "lab", capacity]));
  expect(kib).toBeGreaterThan((DISK_GIB - 1) * 2 ** 20);
  expect(kib).toBeLessThanOrEqual(DISK_GIB * 2 ** 20);
});

test("the kubelet runs with the rendered configuration", async () => {
  const configz = await kubectl(lab, ["get", "--raw=/api/v1/nodes/lab/proxy/configz"]);
  expect(JSON.parse(configz)).toMatchObject({
    kubeletconfig: {
      syncFrequency: "5s",
      configMapAndSecretChangeDetectionStrategy: "Watch",
      protectKernelDefaults: true,
      localStorageCapacityIsolation: true,
      evictionHard: { "memory.available": "500Mi", "nodefs.available": "10%" },
      // The kubelet also keeps unused images when the disk is full.
      imageMinimumGCAge: "8760h0m0s",
    },
  });
});

test("in a namespace without a pod security label, a pod that violates `restricted` is rejected", async () => {
  const pod = await probePod();
  const careless = { ...pod, spec: { ...pod.spec, securityContext: {} } };
  const creation = kubectl(lab, ["create", "--dry-run=server", "--filename=-"], {
    input: JSON.stringify(careless),
  });
  await expect(creation).rejects.toThrow('violates PodSecurity "restricted:latest"');
});

test("the audit log records who did what, without the content of Secrets", async () => {
  const secret = ["secret", "generic", "audited", "--from-literal=key=planted-in-a-secret"];
  await kubectl(lab, ["create", ...secret, "--namespace=default"]);
  const { stdout } = await runInLab(lab, ["cat", "/var/log/audit/audit.log"]);
  const events = stdout.split("\n").filter((line) => line.includes('"name":"audited"'));
  expect(events.map((line) => (JSON.parse(line) as { verb: string }).verb)).toEqual(["create"]);
  expect(stdout).not.toContain("planted-in-a-secret");
  expect(stdout).not.toContain(Buffer.from("planted-in-a-secret").toString("base64"));
});

test("a pod reaches cluster DNS, Services and the API's address in internet, and other names do not resolve", async () => {
  await startGreeter();
  await kubectl(lab, ["apply", "--filename=-"], { input: JSON.stringify(await probePod()) });
  await kubectl(lab, ["wait", "--for=condition=Ready", "pod/probe", "--timeout=60s"]);
  const exec = ["exec", "probe", "--", "node", "-e", PROBE];
  expect(JSON.parse(await kubectl(lab, exec))).toEqual({
    api: "160.79.104.10",
    service: "10.43.0.1",
    missing: "ENOTFOUND",
    // The connection comes from the pod through the node, which replaces the source address by its own.
    greeting: "hello 10.90.0.2",
    apiServer: "connected",
  });
  expect(await kubectl(lab, ["logs", "probe"])).toBe("started\n");
});

test("the API server can be restarted while the cluster runs", async () => {
  const uid = await nodeUid(lab);
  await restartApiServer(lab);
  expect(await nodeUid(lab)).toBe(uid);
});

test("a daemon that ends is reported with the last lines of its log", async () => {
  await startDaemon(lab, { name: "doomed", argv: ["sh", "-c", "echo out of luck >&2; exit 3"] });
  const failure = whileAlive(lab, ["doomed"], 30, () => new Promise<never>(() => undefined));
  await expect(failure).rejects.toThrow(
    /^doomed ended unexpectedly\. .*doomed\.log:\n {2}out of luck$/,
  );
});

test("a daemon that ignores SIGTERM is killed", async () => {
  await startDaemon(lab, { name: "deaf", argv: ["sh", "-c", "trap '' TERM; sleep infinity"] });
  expect(daemonPid(lab, "deaf")).toBeGreaterThan(1);
  await stopDaemon(lab, "deaf", 0.1);
  expect(daemonPid(lab, "deaf")).toBeUndefined();
});

/** Kills a program of the lab, or the whole lab through its first process, and waits until it has ended. */
async function kill(name: string): Promise<void> {
  if (name === "sandbox") {
    process.kill(runningSandbox(lab), "SIGKILL");
    while (sandboxInit(lab) !== undefined) await sleep(20);
    return;
  }
  await runInLab(lab, ["kill", "-KILL", String(daemonPid(lab, name))]);
  while (daemonPid(lab, name) !== undefined) await sleep(20);
}

/** A `step` function that records the titles. */
function recorded(titles: string[]): Progress["step"] {
  return (title, work) => {
    titles.push(title);
    return work(() => undefined);
  };
}

/** Uids of the pods and the restart counts of their containers. */
async function podsOf(of: Lab): Promise<Record<string, number>> {
  const path =
    "{range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}\n{end}";
  const list = await kubectl(of, ["get", "pods", "--all-namespaces", `--output=jsonpath=${path}`]);
  return Object.fromEntries(
    list
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([uid = "", restarts]) => [uid, Number(restarts)]),
  );
}

/** Creates what a Pulumi stack leaves in the lab. */
const state = () => join(lab.dir, "pulumi/state/.pulumi/stacks/claude-gateway/local.json");

describe("a killed program of the cluster", () => {
  beforeAll(() => {
    mkdirSync(dirname(state()), { recursive: true });
    writeFileSync(state(), "{}");
  });

  test.each([
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "netpol",
    "containerd",
    "kubelet",
    "kube-proxy",
    "resolver",
  ])("%s: the next command restarts it, and pods and stacks stay", async (name) => {
    const [init, uid, pods] = [sandboxInit(lab), await nodeUid(lab), await podsOf(lab)];
    // Cluster DNS, the provisioner of volumes, and the probe.
    expect(Object.keys(pods)).toHaveLength(3);
    await kill(name);
    const said: string[] = [];
    await ensureCluster(lab, { ...silent, step: recorded(said) }, ["node"]);
    expect(said).toEqual([`Restarting ${name}, which had ended`]);
    expect(daemonPid(lab, name)).toBeGreaterThan(1);
    expect(sandboxInit(lab)).toBe(init);
    expect(await nodeUid(lab)).toBe(uid);
    expect(await podsOf(lab)).toEqual(pods);
    expect(existsSync(state())).toBe(true);
    const exec = ["exec", "probe", "--", "node", "-e", PROBE];
    expect(JSON.parse(await kubectl(lab, exec))).toMatchObject({ apiServer: "connected" });
  });

  test("several at once: the next command restarts them", async () => {
    const pods = await podsOf(lab);
    for (const name of ["etcd", "kubelet", "netpol"]) await kill(name);
    await ensureCluster(lab, silent, ["node"]);
    expect(await podsOf(lab)).toEqual(pods);
  });

  test("all at once: the next command restarts them, and the pods start again", async () => {
    const pods = await podsOf(lab);
    await kill("sandbox");
    const said: string[] = [];
    await ensureCluster(lab, { ...silent, step: recorded(said) }, ["node"]);
    expect(said).toEqual(["Restarting the embedded cluster, which had ended"]);
    expect(await podsOf(lab)).toEqual(
      Object.fromEntries(Object.entries(pods).map(([uid, restarts]) => [uid, restarts + 1])),
    );
    await startGreeter();
    const exec = ["exec", "probe", "--", "node", "-e", PROBE];
    expect(JSON.parse(await kubectl(lab, exec))).toMatchObject({ apiServer: "connected" });
  });
});

describe("a lab that cannot be used", () => {
  /** Changes the lab's record, so that it looks as if it was started from something else. */
  const otherSettings = () => {
    writeFileSync(join(lab.dir, "ready.json"), JSON.stringify({ fingerprint: "other" }));
  };

  test("is not changed while it has stacks, and the message says what to do", async () => {
    const init = sandboxInit(lab);
    otherSettings();
    await expect(ensureCluster(lab, silent, ["node"])).rejects.toThrow(
      new BadInput(
        "The embedded cluster was started from other parts or settings than this clone's\n" +
          "It is not changed, because stack local would be lost. To delete the cluster and its stacks, run npm run local -- --down; then npm run local starts a new one",
      ),
    );
    expect(sandboxInit(lab)).toBe(init);
    expect(existsSync(state())).toBe(true);
  });

  test("is replaced if it has no stacks", async () => {
    const init = sandboxInit(lab);
    rmSync(state());
    await ensureCluster(lab, silent, ["node"]);
    expect(sandboxInit(lab)).not.toBe(init);
    expect(daemonPid(lab, "kubelet")).toBeGreaterThan(1);
  });
});

test("the next start cleans up after a start that was killed half way", async () => {
  await takeDown(lab, silent);
  const starter = startElsewhere(lab);
  while (sandboxInit(lab) === undefined || daemonPid(lab, "kube-apiserver") === undefined)
    await sleep(20);
  const half = sandboxInit(lab);
  process.kill(-(starter.pid ?? 0), "SIGKILL");
  await ensureCluster(lab, silent, ["node"]);
  expect(sandboxInit(lab)).not.toBe(half);
  expect(await kubectl(lab, ["get", "--raw=/readyz"])).toBe("ok");
});

test("a pod that fills the disk is evicted", async () => {
  const pod = await probePod();
  const scratch = { volumes: [{ name: "scratch", emptyDir: {} }] };
  const [container] = pod.spec.containers;
  const greedy = {
    ...container,
    command: ["sh", "-c", `fallocate -l ${DISK_GIB - 2}G /scratch/file; exec sleep infinity`],
    volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
  };
  const input = JSON.stringify({
    ...pod,
    spec: { ...pod.spec, ...scratch, containers: [greedy] },
  });
  await kubectl(other, ["apply", "--filename=-"], { input });
  const reason = ["get", "pod", "probe", "--output=jsonpath={.status.reason}"];
  await expect.poll(() => kubectl(other, reason), { timeout: 180_000 }).toBe("Evicted");
  const message = "--output=jsonpath={.status.message}";
  expect(await kubectl(other, ["get", "pod", "probe", message])).toContain("ephemeral-storage");
});

test("taking a lab down leaves nothing behind and does not affect the other lab", async () => {
  const namespace = readlinkSync(`/proc/${runningSandbox(lab)}/ns/pid`);
  const otherUid = await nodeUid(other);
  await takeDown(lab, silent);

  expect(await nodeUid(other)).toBe(otherUid);
  await takeDown(other, silent);
  expect(existsSync(lab.dir)).toBe(false);
  const left = processes().filter(
    (pid) =>
      readIfAlive(() => readlinkSync(`/proc/${pid}/ns/pid`)) === namespace ||
      readIfAlive(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")).includes(lab.dir) ||
      readIfAlive(() => readFileSync(`/proc/${pid}/mountinfo`, "utf8")).includes(lab.id),
  );
  expect(left).toEqual([]);
  // The kernel releases a loop device shortly after its last mount is gone.
  const loopDevices = ["--list", "--noheadings", "--output=BACK-FILE"];
  await expect.poll(() => execFileSync("losetup", loopDevices).toString()).not.toContain(lab.dir);
  const cgroups = execFileSync("find", ["/sys/fs/cgroup", "-name", lab.cgroup]).toString();
  expect(cgroups).toBe("");
  expect(machineState()).toEqual(before);
  execFileSync("flock", ["--nonblock", lab.cloneDir, "true"]);
});

test("taking down a lab that does not run is not an error", async () => {
  await takeDown(lab, silent);
  expect(existsSync(lab.dir)).toBe(false);
});

/** Another command that starts the same lab, in its own process group. */
function startElsewhere(of: Lab): ChildProcess {
  const program = `
    import { ensureCluster, openLab } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    const silent = { step: (_, work) => work(() => undefined), note: () => undefined };
    await ensureCluster(openLab(${JSON.stringify(of.cloneDir)}), silent);
  `;
  return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", program], {
    detached: true,
    stdio: "ignore",
  });
}

/** Starts a server at the API's address for the probe. */
async function startGreeter(): Promise<void> {
  await startDaemon(lab, {
    name: "greeter",
    netns: "internet",
    argv: ["sh", "-c", `exec ${process.execPath} -e "$0"`, GREETER],
  });
}

const GREETER = `
  const greet = (socket) => socket.end("hello " + socket.remoteAddress);
  require("net").createServer(greet).listen(443, "160.79.104.10");
`;

const PROBE = `
  const { promises: dns } = require("dns"), net = require("net");
  const lookup = (name) => dns.lookup(name).then(({ address }) => address, ({ code }) => code);
  const dial = (port, host, read) => new Promise((resolve, reject) => {
    const socket = net.connect(port, host).on("error", reject);
    if (read) socket.on("data", (data) => resolve(data.toString()));
    else socket.on("connect", () => { socket.destroy(); resolve("connected"); });
  });
  (async () => console.log(JSON.stringify({
    api: await lookup("api.anthropic.com"),
    service: await lookup("kubernetes.default.svc.cluster.local"),
    missing: await lookup("missing.example"),
    greeting: await dial(443, "api.anthropic.com", true),
    apiServer: await dial(443, "10.43.0.1", false),
  })))();
`;

async function probePod() {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe", namespace: "default" },
    spec: {
      terminationGracePeriodSeconds: 0,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "probe",
          image: await imageReference("node"),
          command: ["sh", "-c", "echo started; exec sleep infinity"],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
}
