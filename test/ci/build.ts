import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { litellmRoot } from "../envoy-process/litellm-process.ts";
import { trafficProgram } from "../bench/relay/traffic/part.ts";
import { labImages } from "../lab/cluster/images.ts";
import { hostRootfs } from "../lab/host/rootfs.ts";
import { containerdStore } from "../lab/images/containerd-store.ts";
import { buildImages } from "../lab/images/images.ts";
import { netpolPart } from "../lab/netpol/part.ts";
import { installPackages } from "../lab/parts/debian.ts";
import { envoyProgram } from "../lab/parts/envoy.ts";
import {
  corednsPart,
  etcdPart,
  kubernetesPart,
  localPathPart,
  ratelimitPart,
} from "../lab/parts/programs.ts";
import { lineProgress } from "../lab/progress.ts";
import { pulumiInstallation } from "../lab/pulumi/installation.ts";
import { STACK_IMAGES } from "../lab/target.ts";

/**
 * Builds every part and image that a test needs, or finds it in the cache. `npm test` runs this before the lab's tests, so
 * that build time and test time are reported separately.
 */
const progress = lineProgress();

/** Sequential: each build uses every CPU, and later builds reuse packages that earlier ones compiled. */
async function goPrograms(): Promise<void> {
  const parts = [
    ...[kubernetesPart, etcdPart, corednsPart, netpolPart, localPathPart, ratelimitPart],
    trafficProgram,
  ];
  for (const part of parts) await part(progress);
  const home = await mkdtemp(join(tmpdir(), "claude-gateway-build-"));
  try {
    await pulumiInstallation(join(home, "pulumi"), progress);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function imagesAndFolders(): Promise<void> {
  await envoyProgram();
  await hostRootfs();
  await containerdStore(await labImages(STACK_IMAGES, progress), progress);
  await buildImages(["litellm-1.91.0"], progress);
  await litellmRoot(progress);
}

await installPackages(progress);
await Promise.all([goPrograms(), imagesAndFolders()]);
