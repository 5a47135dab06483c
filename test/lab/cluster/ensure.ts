import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { containerdStore, seedContainerd } from "../images/containerd-store.ts";
import type { ImageName } from "../images/images.ts";
import { netpolPart } from "../netpol/part.ts";
import { checkMachine, installPackages } from "../parts/debian.ts";
import { corednsPart, etcdPart, kubernetesPart } from "../parts/programs.ts";
import type { Progress } from "../progress.ts";
import { createCgroups, removeCgroups } from "./cgroups.ts";
import { components, configFiles } from "./components.ts";
import type { ClusterParts } from "./control-plane.ts";
import { clusterDns } from "./coredns.ts";
import { type Daemon, daemonPid } from "./daemons.ts";
import { importIntoLab, labImages } from "./images.ts";
import { binDir } from "./kubectl.ts";
import type { Lab } from "./lab.ts";
import { exclusively } from "./lock.ts";
import { createPki } from "./pki.ts";
import { killSandbox, sandboxInit, startSandbox } from "./sandbox.ts";
import { connect, startComponents } from "./start.ts";

function readyFile(lab: Lab): string {
  return join(lab.dir, "ready.json");
}

/** What a running lab was started from; a lab of other parts or settings is started anew. */
interface ReadyRecord {
  readonly fingerprint: string;
}

/**
 * Makes sure that the lab's cluster runs and has the images named: returns at once if it does, else builds
 * what is missing, removes what an earlier start left half done, and starts it.
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
    .update(JSON.stringify([programs, configFiles(lab), clusterDns()]))
    .digest("hex");
  await exclusively(lab, progress, async () => {
    if (isRunning(lab, Object.values(programs), fingerprint)) return importIntoLab(lab, images);
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

/** Ends the lab and removes every trace of it but the build cache; safe whatever state the lab is in. */
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

function isRunning(lab: Lab, programs: readonly Daemon[], fingerprint: string): boolean {
  if (sandboxInit(lab) === undefined || !existsSync(readyFile(lab))) return false;
  const ready = JSON.parse(readFileSync(readyFile(lab), "utf8")) as ReadyRecord;
  return (
    ready.fingerprint === fingerprint &&
    programs.every(({ name }) => daemonPid(lab, name) !== undefined)
  );
}

async function remove(lab: Lab): Promise<void> {
  await killSandbox(lab);
  await removeCgroups(lab);
  await rm(lab.dir, { recursive: true, force: true });
}

/** Writes everything that the sandbox reads. */
async function prepare(lab: Lab, parts: ClusterParts, store: string): Promise<void> {
  for (const dir of [lab.logDir, binDir(lab), join(lab.dir, "var-lib"), join(lab.dir, "var-log")])
    await mkdir(dir, { recursive: true });
  await symlink(join(parts.kubernetes, "kubectl"), join(binDir(lab), "kubectl"));
  for (const [name, text] of Object.entries(configFiles(lab))) {
    await mkdir(dirname(join(lab.dir, name)), { recursive: true });
    await writeFile(join(lab.dir, name), text);
  }
  await Promise.all([
    createPki(lab),
    createCgroups(lab),
    seedContainerd(store, join(lab.dir, "var-lib/containerd")),
  ]);
}
