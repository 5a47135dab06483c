import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { readArguments, UsageError } from "../../cli/command-line.ts";

/** The options of `npm run local`. */
export interface Options {
  /** Take everything down instead of deploying. */
  readonly down: boolean;
  /** `gateway.path` of stack `local`. Default: unchanged; `envoy` for a new stack. */
  readonly gateway?: string | undefined;
  /** `gateway.mode`, for path envoy. */
  readonly mode?: string | undefined;
  /** The user's own cluster instead of the embedded one, with its requirements. */
  readonly cluster?: {
    readonly kubeconfig: string;
    readonly runnerImage: string;
    readonly apiKey: string;
  };
}

export const USAGE = `npm run local [-- OPTIONS]

  --gateway litellm|shim|envoy|hybrid   path of the gateway (default: the current one, at first envoy)
  --mode terminate|sni                  mode of path envoy
  --down                                take everything down except the build cache
  --kubeconfig FILE                     use your own cluster instead of the embedded one; needs
  --runner-image IMAGE                  the runner's image on that cluster, and ANTHROPIC_API_KEY in the environment`;

const GATEWAYS = ["litellm", "shim", "envoy", "hybrid"];
const MODES = ["terminate", "sni"];

const OPTIONS = {
  gateway: { type: "string" },
  mode: { type: "string" },
  down: { type: "boolean", default: false },
  kubeconfig: { type: "string" },
  "runner-image": { type: "string" },
} as const;

/** Parses the command line of `npm run local`. Throws {@link UsageError}. */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { gateway, mode, down, ...cluster } = readArguments(argv, OPTIONS);
  if (gateway !== undefined && !GATEWAYS.includes(gateway)) {
    throw new UsageError(`--gateway ${gateway} is not one of ${GATEWAYS.join(", ")}`);
  }
  if (mode !== undefined && !MODES.includes(mode)) {
    throw new UsageError(`--mode ${mode} is not one of ${MODES.join(", ")}`);
  }
  if (mode !== undefined && gateway !== "envoy") {
    throw new UsageError("--mode can only be used with --gateway envoy");
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
      "--runner-image can only be used with --kubeconfig: the embedded cluster builds its own image",
    );
  }
  const kubeconfig = resolve(values.kubeconfig);
  if (!existsSync(kubeconfig)) throw new UsageError(`--kubeconfig ${kubeconfig} does not exist`);
  if (values["runner-image"] === undefined) {
    throw new UsageError(
      "--kubeconfig needs --runner-image: build components/agents/runner/Containerfile and push the image to a registry that the cluster can pull from",
    );
  }
  if (env.ANTHROPIC_API_KEY === undefined) {
    throw new UsageError(
      "--kubeconfig needs ANTHROPIC_API_KEY in the environment, because the gateway's upstream is the real API",
    );
  }
  return {
    cluster: { kubeconfig, runnerImage: values["runner-image"], apiKey: env.ANTHROPIC_API_KEY },
  };
}
