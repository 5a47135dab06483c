import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { goPart } from "./go.ts";

const here = import.meta.dirname;

/** The Pulumi CLI and engine; returns the folder that has `pulumi`. */
export async function pulumiPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "pulumi");
  const version = await requiredVersion(moduleDir, "github.com/pulumi/pulumi/pkg/v3");
  const variables = { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${version}` };
  const packagePath = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
  return goPart({ name: "pulumi", moduleDir, package: packagePath, variables }, progress);
}

/**
 * Pulumi's Kubernetes provider; returns the folder that has `pulumi-resource-kubernetes`. It says that it is
 * `release`, for the engine warns of one below what the SDK asks for, and after a `+` which commit it is.
 */
export async function kubernetesProviderPart(release: string, progress: Progress): Promise<string> {
  const moduleDir = join(here, "pulumi-kubernetes");
  const module = "github.com/pulumi/pulumi-kubernetes/provider/v4";
  const commit = (await requiredVersion(moduleDir, module)).split("-").at(-1) ?? "";
  return goPart(
    {
      name: "pulumi-resource-kubernetes",
      moduleDir,
      package: ".",
      variables: { [`${module}/pkg/version.Version`]: `${release}+${commit}` },
      files: { "schema.json": { module, path: "cmd/pulumi-resource-kubernetes/schema.json" } },
    },
    progress,
  );
}

/** Kubernetes; returns the folder that has the five components and `kubectl` by their usual names. */
export async function kubernetesPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "kubernetes");
  const version = await requiredVersion(moduleDir, "k8s.io/kubernetes");
  const [major, minor] = version.split(".");
  const variable = "k8s.io/component-base/version.git";
  return goPart(
    {
      name: "kubernetes",
      moduleDir,
      package: ".",
      variables: {
        [`${variable}Version`]: `v${version}`,
        [`${variable}Major`]: major ?? "",
        [`${variable}Minor`]: minor ?? "",
      },
      aliases: [
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
      ],
    },
    progress,
  );
}

/** etcd; returns the folder that has `etcd`. */
export async function etcdPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "etcd");
  return goPart({ name: "etcd", moduleDir, package: "go.etcd.io/etcd/server/v3" }, progress);
}

/** CoreDNS; returns the folder that has `coredns`. */
export async function corednsPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "coredns");
  return goPart({ name: "coredns", moduleDir, package: "github.com/coredns/coredns" }, progress);
}

/** The container that holds a pod's namespaces; returns the folder that has `pause`. */
export async function pausePart(progress: Progress): Promise<string> {
  return goPart({ name: "pause", moduleDir: join(here, "pause"), package: "." }, progress);
}

/** The release of `module` that a go.mod requires, without the `v`. */
export async function requiredVersion(moduleDir: string, module: string): Promise<string> {
  const goMod = await readFile(join(moduleDir, "go.mod"), "utf8");
  for (const line of goMod.split("\n")) {
    const [path, version] = line
      .replace(/^require\s/, "")
      .trim()
      .split(/\s+/);
    if (path === module && version?.startsWith("v") === true) return version.slice(1);
  }
  throw new Error(`${moduleDir}/go.mod does not require ${module}`);
}
