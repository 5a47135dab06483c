import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { readArguments, UsageError } from "../../cli/command-line.ts";

/** What `npm run local` is asked to do. */
export interface Options {
  /** Take everything down instead. */
  readonly down: boolean;
  /** `gateway.path` of stack `local`; as the stack has it when left out, `envoy` at first. */
  readonly gateway?: string | undefined;
  /** `gateway.mode`, for path envoy. */
  readonly mode?: string | undefined;
  /** A cluster of the user's own instead of the embedded one, with what it needs. */
  readonly cluster?: {
    readonly kubeconfig: string;
    readonly runnerImage: string;
    readonly apiKey: string;
  };
}

export const USAGE = `npm run local [-- OPTIONS]

  --gateway litellm|shim|envoy|hybrid   path of the gateway: envoy, unless told otherwise before
  --mode terminate|sni                  mode of path envoy
  --down                                take everything down, the build cache aside
  --kubeconfig FILE                     a cluster of your own instead of the embedded one, with
  --runner-image IMAGE                  the runner's image there, and ANTHROPIC_API_KEY in the environment`;

const GATEWAYS = ["litellm", "shim", "envoy", "hybrid"];
const MODES = ["terminate", "sni"];

const OPTIONS = {
  gateway: { type: "string" },
  mode: { type: "string" },
  down: { type: "boolean", default: false },
  kubeconfig: { type: "string" },
  "runner-image": { type: "string" },
} as const;

/** Reads the command line of `npm run local`. Throws {@link UsageError}. */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { gateway, mode, down, ...cluster } = readArguments(argv, OPTIONS);
  if (gateway !== undefined && !GATEWAYS.includes(gateway)) {
    throw new UsageError(`--gateway ${gateway} is not one of ${GATEWAYS.join(", ")}`);
  }
  if (mode !== undefined && !MODES.includes(mode)) {
    throw new UsageError(`--mode ${mode} is not one of ${MODES.join(", ")}`);
  }
  if (mode !== undefined && gateway !== "envoy") {
    throw new UsageError("--mode belongs to --gateway envoy");
  }
  return { down, gateway, mode, ...clusterOptions(cluster, env) };
}

function clusterOptions(
  values: { kubeconfig?: string | undefined; "runner-image"?: string | undefined },
  env: NodeJS.ProcessEnv,
): Pick<Options, "cluster"> {
  if (values.kubeconfig === undefined) {
    if (values["runner-image"] === undefined) return {};
    throw new UsageError(
      "--runner-image belongs to --kubeconfig: the embedded cluster builds its own",
    );
  }
  const kubeconfig = resolve(values.kubeconfig);
  if (!existsSync(kubeconfig)) throw new UsageError(`--kubeconfig ${kubeconfig} does not exist`);
  if (values["runner-image"] === undefined) {
    throw new UsageError(
      "--kubeconfig needs --runner-image: build components/agents/runner/Containerfile and push it where the cluster can pull",
    );
  }
  if (env.ANTHROPIC_API_KEY === undefined) {
    throw new UsageError(
      "--kubeconfig needs ANTHROPIC_API_KEY in the environment: the gateway's upstream is the real API",
    );
  }
  return {
    cluster: { kubeconfig, runnerImage: values["runner-image"], apiKey: env.ANTHROPIC_API_KEY },
  };
}
