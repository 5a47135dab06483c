import type { ChildProcess } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { once } from "node:events";

import {
  enterCommand,
  type Lab,
  runInLab,
  runningSandbox,
  spawnInLab,
} from "../../lab/cluster/index.ts";
import { pkiDir } from "../../lab/cluster/pki.ts";
import { base64OfFile, issueCertificate } from "../../lab/parts/certificates.ts";
import type { HostMachine } from "../../lab/host/machine.ts";
import type { Progress } from "../../lab/progress.ts";
import { Pulumi } from "../../lab/pulumi/cli.ts";
import type { Target } from "../../lab/target.ts";
import { type GcloudPlace, PLACE_VARIABLE } from "./gcloud-place.ts";
import { k3sKubeconfigText } from "./k3s-kubeconfig.ts";

const ADMIN = "story-admin";

/** Folders of one story, all inside the lab's folder. */
export interface Places {
  readonly dir: string;
  readonly world: string;
  readonly machine: string;
  /** The home folder of the user who runs the commands. */
  readonly home: string;
}

/** Creates the folders of a story again. */
export async function makePlaces(lab: Lab, name = "story"): Promise<Places> {
  const dir = join(lab.dir, name);
  await rm(dir, { recursive: true, force: true });
  const places = {
    dir,
    ...{ world: join(dir, "world"), machine: join(dir, "machine"), home: join(dir, "home") },
  };
  for (const folder of [places.world, places.machine, places.home, join(dir, "bin")]) {
    await mkdir(folder, { recursive: true });
  }
  await moveHome(lab, places);
  return places;
}

/** The Kubernetes provider reads the home folder from /etc/passwd and ignores HOME, so the sandbox gets its own file. */
async function moveHome(lab: Lab, { dir, home }: Places): Promise<void> {
  const passwd = join(dir, "passwd");
  await writeFile(passwd, `root:x:0:0:root:${home}:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n`);
  const mount = 'umount /etc/passwd 2>/dev/null; mount --bind "$1" /etc/passwd';
  await runInLab(lab, ["sh", "-c", mount, "sh", passwd]);
}

function gcloudPlace(places: Places): GcloudPlace {
  return { ...places, api: { host: "127.0.0.1", port: 6443 } };
}

/** What makes gcloud somebody's who may not read secrets, for example an operator's. */
export function withoutSecrets(places: Places): NodeJS.ProcessEnv {
  return { [PLACE_VARIABLE]: JSON.stringify({ ...gcloudPlace(places), readsSecrets: false }) };
}

/** Pulumi inside the lab as on a user's machine: with that home folder, and with gcloud on PATH. */
export async function openPulumi(
  lab: Lab,
  places: Places,
  progress: Progress,
  more: NodeJS.ProcessEnv = {},
): Promise<Pulumi> {
  const bin = join(places.dir, "bin");
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const gcloud = `exec '${process.execPath}' --import '${tsx}' '${join(import.meta.dirname, "gcloud.ts")}' "$@"`;
  await writeFile(join(bin, "gcloud"), `#!/bin/sh\n${gcloud}\n`, { mode: 0o755 });
  return await Pulumi.open({
    clone: lab.cloneDir,
    dir: join(places.dir, "pulumi"),
    progress,
    wrap: (argv, cwd) => enterCommand(runningSandbox(lab), argv, { netns: "node", cwd }),
    env: {
      ...process.env,
      HOME: places.home,
      PATH: [bin, process.env.PATH ?? ""].join(delimiter),
      CLAUDE_GATEWAY_GCP_WORLD: places.world,
      [PLACE_VARIABLE]: JSON.stringify(gcloudPlace(places)),
      ...more,
    },
  });
}

/** The arguments of {@link boot}. */
interface Story {
  readonly lab: Lab;
  readonly target: Target;
  readonly places: Places;
  readonly machine: HostMachine;
  readonly progress: Progress;
}

/** Boots the machine with a cluster whose only administrator is `admin`. */
export async function boot(story: Story, admin: string): Promise<void> {
  const { lab, target, places, machine, progress } = story;
  await machine.powerOff();
  machine.put("etc/lab/kubeconfig", await k3sKubeconfig(lab, places.dir, admin));
  await removeAdmin(target);
  const binding = ["create", "clusterrolebinding", ADMIN, "--clusterrole=cluster-admin"];
  await target.kubectl([...binding, `--user=${admin}`]);
  const { status, output } = await progress.step(`Booting the machine as ${admin}`, () =>
    machine.boot(),
  );
  if (status !== 0) throw new Error(`the machine did not boot:\n${output}`);
}

/** Removes the administrator that {@link boot} added to the cluster. */
export async function removeAdmin(target: Target): Promise<void> {
  await target.kubectl(["delete", "clusterrolebinding", ADMIN, "--ignore-not-found"]);
}

/** A kubeconfig for the embedded cluster in k3s's format, with a new certificate for `user`. */
async function k3sKubeconfig(lab: Lab, dir: string, user: string): Promise<string> {
  const [certFile, keyFile] = ["ca.pem", "ca.key"].map((name) => join(pkiDir(lab), name));
  const authority = { certFile: certFile ?? "", keyFile: keyFile ?? "" };
  const pair = await issueCertificate(authority, dir, user, { commonName: user });
  return k3sKubeconfigText({
    server: "https://127.0.0.1:6443",
    authority: await base64OfFile(authority.certFile),
    certificate: await base64OfFile(pair.certFile),
    key: await base64OfFile(pair.keyFile),
  });
}

/** The result of an npm command. */
export interface Typed {
  readonly status: number | null;
  readonly output: string;
}

/** Runs an npm command in the clone, in the lab, and waits for its end. */
export async function typed(lab: Lab, pulumi: Pulumi, ...command: string[]): Promise<Typed> {
  const { child, output } = type(lab, pulumi, npmRun(command));
  const [status] = (await once(child, "close")) as [number | null];
  return { status, output: output() };
}

/** An open tunnel. */
export interface Tunnel {
  readonly output: string;
  /** Like Ctrl-C. */
  close(): Promise<void>;
}

/** Runs `npm run tunnel` and waits until it listens. If it ends before, throws an error with its output. */
export function openTunnel(lab: Lab, pulumi: Pulumi, ...options: string[]): Promise<Tunnel> {
  return openTunnelWith(lab, pulumi, npmRun(["tunnel", "--", ...options]));
}

/** As {@link openTunnel}, with a command of one's own. */
export async function openTunnelWith(
  lab: Lab,
  pulumi: Pulumi,
  argv: readonly [string, ...string[]],
): Promise<Tunnel> {
  const { child, output } = type(lab, pulumi, argv);
  const ended = once(child, "close");
  const listens = new Promise<void>((resolve) => {
    child.stdout?.on("data", () => {
      if (output().includes("Listening on port")) resolve();
    });
  });
  const failed = ended.then(() => Promise.reject(new Error(`the tunnel ended:\n${output()}`)));
  failed.catch(() => undefined);
  await Promise.race([listens, failed]);
  return {
    output: output(),
    async close() {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
      await ended;
    },
  };
}

const npmRun = (command: readonly string[]) => ["npm", "run", "--silent", ...command] as const;

function type(lab: Lab, pulumi: Pulumi, argv: readonly [string, ...string[]]) {
  const path = [dirname(pulumi.binary), pulumi.env.PATH ?? ""].join(delimiter);
  const child: ChildProcess = spawnInLab(lab, argv, {
    cwd: lab.cloneDir,
    env: { ...pulumi.env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  return { child, output: () => output };
}

/** The k3s token of a host stack, from its decrypted state. */
export async function k3sToken(pulumi: Pulumi, stack: string): Promise<string> {
  const state = await pulumi.execute(["stack", "export", "--stack", stack, "--show-secrets"]);
  const { deployment } = JSON.parse(state) as {
    deployment: { resources: { type: string; outputs?: { result?: { plaintext: string } } }[] };
  };
  const password = deployment.resources.find(({ type }) => type.endsWith(":RandomPassword"));
  return JSON.parse(password?.outputs?.result?.plaintext ?? '""') as string;
}
