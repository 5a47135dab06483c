import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BadInput } from "../../../cli/command-line.ts";
import { containerdStore } from "../images/containerd-store.ts";
import type { ImageName } from "../images/images.ts";
import { netpolPart } from "../netpol/part.ts";
import { labCa } from "../parts/ca.ts";
import { checkMachine, installPackages } from "../parts/debian.ts";
import { corednsPart, etcdPart, kubernetesPart } from "../parts/programs.ts";
import type { Progress } from "../progress.ts";
import { createCgroups, removeCgroups } from "./cgroups.ts";
import { type Components, components, configFiles } from "./components.ts";
import type { ClusterParts } from "./control-plane.ts";
import { clusterDns } from "./coredns.ts";
import { daemonPid } from "./daemons.ts";
import { deployedStacks } from "./deployed.ts";
import { createDisk } from "./disk.ts";
import { importIntoLab, labImages } from "./images.ts";
import { binDir } from "./kubectl.ts";
import type { Lab } from "./lab.ts";
import { localStorage } from "./local-path.ts";
import { exclusively } from "./lock.ts";
import { authorityFile } from "./node.ts";
import { createPki } from "./pki.ts";
import { killSandbox, sandboxInit, startSandbox } from "./sandbox.ts";
import { connect, startComponents } from "./start.ts";

function readyFile(lab: Lab): string {
  return join(lab.dir, "ready.json");
}

/** What a lab was started from. A lab from other parts or settings cannot be used. */
interface ReadyRecord {
  readonly fingerprint: string;
}

/**
 * Makes sure that the lab's cluster runs and has the named images: builds what is missing, starts the cluster if there is
 * none, and restarts its programs that have ended. It never removes a cluster with Pulumi stacks: if only that would help,
 * it throws {@link BadInput} and says what is wrong.
 */
export async function ensureCluster(
  lab: Lab,
  progress: Progress,
  imageNames: readonly ImageName[] = [],
): Promise<void> {
  checkMachine();
  await installPackages(progress);
  const [parts, images] = await Promise.all([
    clusterParts(progress),
    labImages(imageNames, progress),
  ]);
  const programs = components(lab, parts);
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([programs, configFiles(lab), clusterDns(), await localStorage()]))
    .digest("hex");
  await exclusively(lab, progress, async () => {
    // Without this record an earlier start or removal did not finish, and no stack is deployed.
    if (existsSync(readyFile(lab))) {
      const problem = await unusable(lab, programs, fingerprint, progress);
      if (problem === undefined) return importIntoLab(lab, images);
      const stacks = deployedStacks(lab);
      if (stacks.length > 0) throw new BadInput(lost(problem, stacks));
    }
    await remove(lab);
    const store = await containerdStore(images, progress);
    await progress.step("Starting the embedded cluster", async (status) => {
      await prepare(lab, parts, store);
      await startSandbox(lab);
      await connect(lab);
      await startComponents(lab, programs, status);
      const ready: ReadyRecord = { fingerprint };
      await writeFile(readyFile(lab), JSON.stringify(ready));
    });
  });
}

/** Why the existing lab cannot be used even after a restart of its programs; undefined if it can. */
async function unusable(
  lab: Lab,
  programs: Components,
  fingerprint: string,
  progress: Progress,
): Promise<string | undefined> {
  const ready = JSON.parse(readFileSync(readyFile(lab), "utf8")) as ReadyRecord;
  if (ready.fingerprint !== fingerprint) {
    return "was started from other parts or settings than this clone's";
  }
  const names = Object.values(programs).map(({ name }) => name);
  const ended = names.filter((name) => daemonPid(lab, name) === undefined);
  if (ended.length === 0) return undefined;
  const whole = sandboxInit(lab) === undefined;
  const what = whole ? "the embedded cluster" : ended.join(", ");
  try {
    await progress.step(`Restarting ${what}, which had ended`, async (status) => {
      if (whole) {
        await createCgroups(lab);
        await startSandbox(lab);
        await connect(lab);
      }
      await startComponents(lab, programs, status);
    });
    return undefined;
  } catch (error) {
    return `could not be restarted (${what} had ended): ${(error as Error).message}`;
  }
}

function lost(problem: string, stacks: readonly string[]): string {
  const what = stacks.length === 1 ? `stack ${stacks[0] ?? ""}` : `stacks ${stacks.join(", ")}`;
  return (
    `The embedded cluster ${problem}\n` +
    `It is not changed, because ${what} would be lost. To delete the cluster and its stacks, run npm run local -- --down; then npm run local starts a new one`
  );
}

/** Stops the lab and removes everything except the build cache. Works in any state of the lab. */
export async function takeDown(lab: Lab, progress: Progress): Promise<void> {
  checkMachine();
  await exclusively(lab, progress, () => remove(lab));
}

async function clusterParts(progress: Progress): Promise<ClusterParts> {
  const [kubernetes, etcd, coredns, netpol] = await Promise.all([
    kubernetesPart(progress),
    etcdPart(progress),
    corednsPart(progress),
    netpolPart(progress),
  ]);
  return { kubernetes, etcd, coredns, netpol };
}

async function remove(lab: Lab): Promise<void> {
  await rm(readyFile(lab), { force: true });
  await killSandbox(lab);
  await removeCgroups(lab);
  await rm(lab.dir, { recursive: true, force: true });
}

/** Writes all files that the sandbox reads. */
async function prepare(lab: Lab, parts: ClusterParts, store: string): Promise<void> {
  for (const dir of [lab.logDir, binDir(lab)]) await mkdir(dir, { recursive: true });
  await symlink(join(parts.kubernetes, "kubectl"), join(binDir(lab), "kubectl"));
  for (const [name, text] of Object.entries(configFiles(lab))) {
    await mkdir(dirname(join(lab.dir, name)), { recursive: true });
    await writeFile(join(lab.dir, name), text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  await copyFile((await labCa()).certFile, authorityFile(lab));
  await Promise.all([createPki(lab), createCgroups(lab), createDisk(lab, store)]);
}
