import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { binDir, ensureCluster, type Lab, kubectl as labKubectl } from "./cluster/index.ts";
import { enterCommand, runningSandbox } from "./cluster/sandbox.ts";
import { type ImageName, imageReference } from "./images/images.ts";
import { labPulumi } from "./lab-pulumi.ts";
import { kubernetesPart } from "./parts/programs.ts";
import { cacheRoot } from "./parts/store.ts";
import type { Progress } from "./progress.ts";
import { Pulumi } from "./pulumi/cli.ts";
import { run } from "./pulumi/run.ts";
import { ensureUpstream, LAB_API_KEY } from "./upstream.ts";

/** The input of a kubectl command, and what may end it early. */
export interface KubectlRun {
  readonly input?: string | AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
}

/** A cluster to deploy stacks to: the embedded one or the user's own. */
export interface Target {
  /** The name of the cluster for the user. */
  readonly title: string;
  readonly kubeconfig: string;
  /** Image with Claude Code that the cluster can run. */
  readonly runnerImage: string;
  /** The API key for the upstream. */
  readonly apiKey: string;
  /** Runs kubectl as the cluster's administrator and returns its stdout. If it fails, the error has `stdout`. */
  kubectl(args: readonly string[], run?: KubectlRun): Promise<string>;
  /** The command line of such a kubectl, for interactive use. */
  kubectlCommand(args: readonly string[]): readonly [string, ...string[]];
  /** Pulumi with its own state, passphrase and stack files, outside the repository. */
  pulumi(progress: Progress): Promise<Pulumi>;
}

/** Images of every path and of the runner. */
export const STACK_IMAGES: readonly ImageName[] = [
  "litellm",
  "envoy",
  "node",
  "coredns",
  "ratelimit",
  "valkey",
  "runner",
];

/** The embedded cluster with the fake API. Both are started if they do not run. */
export async function labTarget(lab: Lab, progress: Progress): Promise<Target> {
  await ensureCluster(lab, progress, STACK_IMAGES);
  await ensureUpstream(lab);
  return {
    title: "the embedded cluster",
    kubeconfig: lab.kubeconfig,
    runnerImage: await imageReference("runner"),
    apiKey: LAB_API_KEY,
    kubectl: (args, options = {}) => labKubectl(lab, args, options),
    kubectlCommand: (args) => {
      const kubectl = [join(binDir(lab), "kubectl"), `--kubeconfig=${lab.kubeconfig}`];
      const place = { netns: "node", cwd: lab.dir } as const;
      return enterCommand(runningSandbox(lab), [...kubectl, ...args], place);
    },
    pulumi: (progress) => labPulumi(lab, progress),
  };
}

/** The user's own cluster, with the real API. */
export async function userTarget(
  args: {
    readonly clone: string;
    readonly kubeconfig: string;
    readonly runnerImage: string;
    readonly apiKey: string;
    /** Default: the kubeconfig's current context. */
    readonly context?: string | undefined;
  },
  progress: Progress,
): Promise<Target> {
  const installed = spawnSync("kubectl", ["version", "--client"]).status === 0;
  const program = installed ? "kubectl" : join(await kubernetesPart(progress), "kubectl");
  const context = args.context === undefined ? [] : [`--context=${args.context}`];
  const kubectlCommand = (kubectlArgs: readonly string[]) =>
    [program, `--kubeconfig=${args.kubeconfig}`, ...context, ...kubectlArgs] as const;
  const id = createHash("sha256").update(args.clone).update(args.kubeconfig).digest("hex");
  return {
    ...args,
    title: `the cluster of ${args.kubeconfig}`,
    kubectlCommand,
    async kubectl(kubectlArgs, { input, signal } = {}) {
      const ended = await run({
        argv: [...kubectlCommand(kubectlArgs)],
        cwd: args.clone,
        env: process.env,
        signal,
        input,
      });
      if (ended.exitCode === 0) return ended.stdout;
      throw Object.assign(new Error(`kubectl failed:\n${ended.stderr}`), ended);
    },
    pulumi: (progress) =>
      Pulumi.open({
        clone: args.clone,
        dir: join(cacheRoot(), "clusters", id.slice(0, 8)),
        progress,
      }),
  };
}
