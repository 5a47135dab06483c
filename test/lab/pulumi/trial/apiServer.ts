import { execFile, spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { etcdPart, kubernetesPart } from "../../parts/programs.ts";
import type { Progress } from "../../progress.ts";

const TOKEN = "trial-administrator";
const START_TIMEOUT_MS = 60_000;

/** A real API server with controllers on loopback, without a node: pods exist but never run. */
export class TrialApiServer {
  readonly kubeconfig: string;
  private readonly dir: string;
  private readonly kubernetes: string;
  private readonly ports: { etcd: number; peer: number; api: number; controllers: number };
  private readonly running = new Map<string, ChildProcess>();

  private constructor(dir: string, kubernetes: string, ports: TrialApiServer["ports"]) {
    this.dir = dir;
    this.kubernetes = kubernetes;
    this.ports = ports;
    this.kubeconfig = kubeconfigFor(ports.api);
  }

  static async start(progress: Progress): Promise<TrialApiServer> {
    const [etcd, kubernetes] = [await etcdPart(progress), await kubernetesPart(progress)];
    const dir = await mkdtemp(join(tmpdir(), "trial-api-server-"));
    const [etcdPort, peer, api, controllers] = await freePorts(4);
    const ports = { etcd: etcdPort, peer, api, controllers };
    const server = new TrialApiServer(dir, kubernetes, ports);
    try {
      await server.bootstrap(join(etcd, "etcd"));
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Runs kubectl as the administrator and returns its stdout. */
  async kubectl(...args: string[]): Promise<string> {
    const command = [`--kubeconfig=${join(this.dir, "kubeconfig")}`, ...args];
    return (await promisify(execFile)(join(this.kubernetes, "kubectl"), command)).stdout;
  }

  /** Starts the API server, or restarts it on the same data, and waits until it answers. */
  async startApi(): Promise<void> {
    this.launch(join(this.kubernetes, "kube-apiserver"), [
      `--etcd-servers=http://127.0.0.1:${this.ports.etcd}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${this.ports.api}`,
      `--cert-dir=${join(this.dir, "certs")}`,
      "--service-account-issuer=https://trial.invalid",
      `--service-account-key-file=${join(this.dir, "sa.pub")}`,
      `--service-account-signing-key-file=${join(this.dir, "sa.key")}`,
      `--token-auth-file=${join(this.dir, "tokens")}`,
      "--authorization-mode=RBAC",
      "--service-cluster-ip-range=10.43.0.0/16",
    ]);
    await this.until(async () => {
      await this.kubectl("get", "namespace", "kube-system");
    });
  }

  /** Stops the API server. Its data is kept. */
  async stopApi(): Promise<void> {
    await this.end("kube-apiserver");
  }

  /** Stops everything and deletes its files. */
  async stop(): Promise<void> {
    for (const name of ["kube-controller-manager", "kube-apiserver", "etcd"]) await this.end(name);
    await rm(this.dir, { recursive: true, force: true });
  }

  private async bootstrap(etcd: string): Promise<void> {
    const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = { format: "pem" } as const;
    await writeFile(join(this.dir, "sa.key"), keys.privateKey.export({ type: "pkcs8", ...pem }));
    await writeFile(join(this.dir, "sa.pub"), keys.publicKey.export({ type: "spki", ...pem }));
    await writeFile(join(this.dir, "tokens"), `${TOKEN},admin,admin,"system:masters"\n`);
    await writeFile(join(this.dir, "kubeconfig"), this.kubeconfig);
    const [etcdUrl, peerUrl] = [
      `http://127.0.0.1:${this.ports.etcd}`,
      `http://127.0.0.1:${this.ports.peer}`,
    ];
    this.launch(etcd, [
      `--data-dir=${join(this.dir, "etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      "--unsafe-no-fsync",
    ]);
    await this.startApi();
    this.launch(join(this.kubernetes, "kube-controller-manager"), [
      `--kubeconfig=${join(this.dir, "kubeconfig")}`,
      `--service-account-private-key-file=${join(this.dir, "sa.key")}`,
      "--leader-elect=false",
      "--bind-address=127.0.0.1",
      `--secure-port=${this.ports.controllers}`,
      `--cert-dir=${join(this.dir, "certs")}`,
    ]);
    await this.settle();
  }

  /** The controllers run once a new namespace has its default service account. */
  private async settle(): Promise<void> {
    await this.until(async () => {
      await this.kubectl("get", "serviceaccount", "default", "--namespace=default");
    });
  }

  private launch(program: string, args: readonly string[]): void {
    const name = program.slice(program.lastIndexOf("/") + 1);
    this.running.set(name, spawn(program, args, { stdio: "ignore" }));
  }

  private async end(name: string): Promise<void> {
    const child = this.running.get(name);
    this.running.delete(name);
    if (!child || child.exitCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  private async until(attempt: () => Promise<void>): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(250);
      }
    }
  }
}

function kubeconfigFor(port: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "trial",
        cluster: { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
      },
    ],
    users: [{ name: "admin", user: { token: TOKEN } }],
    contexts: [{ name: "trial", context: { cluster: "trial", user: "admin" } }],
    "current-context": "trial",
  });
}

async function freePorts(count: 4): Promise<[number, number, number, number]>;
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
