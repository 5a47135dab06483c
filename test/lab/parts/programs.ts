import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { goPart } from "./go.ts";

const here = import.meta.dirname;

const LOCAL_PATH = "github.com/rancher/local-path-provisioner";

/** The Pulumi CLI and engine. Returns the folder with `pulumi`. */
export async function pulumiPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "pulumi");
  const version = await requiredVersion(moduleDir, "github.com/pulumi/pulumi/pkg/v3");
  const variables = { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${version}` };
  const packagePath = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
  return goPart({ name: "pulumi", moduleDir, package: packagePath, variables }, progress);
}

/**
 * Pulumi's Kubernetes provider. Returns the folder with `pulumi-resource-kubernetes`. It reports `release` as its version,
 * because the engine warns of a provider older than the SDK requires, and after a `+` the commit that it really is.
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

/** Kubernetes. Returns the folder with the five components and `kubectl`, under their usual names. */
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

/** etcd. Returns the folder with `etcd`. */
export async function etcdPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "etcd");
  return goPart({ name: "etcd", moduleDir, package: "go.etcd.io/etcd/server/v3" }, progress);
}

/** CoreDNS. Returns the folder with `coredns`. */
export async function corednsPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "coredns");
  return goPart({ name: "coredns", moduleDir, package: "github.com/coredns/coredns" }, progress);
}

/** The provisioner of k3s's default StorageClass. Returns the folder with `local-path-provisioner`. */
export async function localPathPart(progress: Progress): Promise<string> {
  const name = "local-path-provisioner";
  return goPart({ name, moduleDir: join(here, name), package: LOCAL_PATH }, progress);
}

/** The release of local-path-provisioner, without the `v`. */
export async function localPathVersion(): Promise<string> {
  return requiredVersion(join(here, "local-path-provisioner"), LOCAL_PATH);
}

/** Envoy's rate limit service. Returns the folder with `ratelimit`. */
export async function ratelimitPart(progress: Progress): Promise<string> {
  const moduleDir = join(here, "ratelimit");
  const packagePath = "github.com/envoyproxy/ratelimit/src/service_cmd";
  return goPart({ name: "ratelimit", moduleDir, package: packagePath }, progress);
}

/**
 * Prometheus and its tool that checks rules. Returns their paths. Without the service discoveries, which no test uses and
 * which are most of the code.
 */
export async function prometheusPart(
  progress: Progress,
): Promise<{ readonly prometheus: string; readonly promtool: string }> {
  const moduleDir = join(here, "prometheus");
  const program = async (name: string) => {
    const packagePath = `github.com/prometheus/prometheus/cmd/${name}`;
    const tags = ["remove_all_sd"];
    const dir = await goPart({ name, moduleDir, package: packagePath, tags }, progress);
    return join(dir, name);
  };
  return { promtool: await program("promtool"), prometheus: await program("prometheus") };
}

/** The container that keeps a pod's namespaces. Returns the folder with `pause`. */
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
