import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ExtraRoute } from "../../components/gateway/api/endpoints.ts";
import {
  liteLlmCommand,
  liteLlmEnvironment,
  liteLlmPaths,
  renderLiteLlmFiles,
  renderTokensFile,
} from "../../components/gateway/litellm/config.ts";
import { unpack } from "../lab/images/layer.ts";
import { type LiteLlmRelease, litellmImage } from "../lab/images/litellm.ts";
import { part } from "../lab/parts/store.ts";
import type { Progress } from "../lab/progress.ts";
import { Child } from "./child.ts";
import { UPSTREAM_HOST } from "../../components/gateway/api/upstream.ts";

/** The stack's default. */
const DRAIN_SECONDS = 900;

const MOUNTS = { config: liteLlmPaths.config, tokens: liteLlmPaths.tokens, tmp: "/tmp" } as const;

/** Mounts each folder or file of `$0` over its place in the root `$1`, in a mount namespace that ends with the program. */
const ENTER = `set -e
scratch=$0 root=$1; shift
mount --bind "$scratch/config" "$root${MOUNTS.config}"
mount --bind "$scratch/tokens" "$root${MOUNTS.tokens}"
mount --bind "$scratch/tmp" "$root${MOUNTS.tmp}"
mount --bind "$scratch/hosts" "$root/etc/hosts"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" env --ignore-environment "$@"`;

/** A running LiteLLM with the deployed release, files, command and environment. */
export interface LiteLlmProcess {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts LiteLLM from the lab's image, unpacked. `token` is what its only caller sends. */
export async function startLiteLlm(
  args: {
    readonly port: number;
    readonly token: string;
    readonly upstreamBaseUrl: string;
    /** The upstream credential. */
    readonly apiKey: string;
    /** Command that starts it, for example `taskset` with its arguments. Default: none. */
    readonly pin?: readonly string[];
    /** Routes to open in addition to the two message routes. Default: none. */
    readonly routes?: readonly ExtraRoute[];
    /** Another release that the lab has. Default: the deployed one. */
    readonly release?: LiteLlmRelease;
    /** LiteLLM as its own command starts it, with this configuration and none of our files. Default: as it is deployed. */
    readonly plain?: object;
  },
  progress: Progress,
): Promise<LiteLlmProcess> {
  const { root, variables } = await litellmRoot(progress, args.release);
  const scratch = await mkdtemp(join(tmpdir(), "bench-litellm-"));
  const write = async (folder: string, files: Readonly<Record<string, string>>) => {
    await mkdir(join(scratch, folder));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(scratch, folder, name), text);
    }
  };
  const { plain } = args;
  await write(
    "config",
    plain === undefined
      ? renderLiteLlmFiles({ upstreamTimeoutSeconds: 900 })
      : { "config.yaml": stringify(plain) },
  );
  await write("tokens", { "tokens.json": renderTokensFile({ bench: [args.token] }) });
  await write("tmp", {});
  await writeFile(join(scratch, "hosts"), `127.0.0.1 localhost ${UPSTREAM_HOST}\n`);

  const environment = {
    ...liteLlmEnvironment({
      drainSeconds: DRAIN_SECONDS,
      upstreamBaseUrl: args.upstreamBaseUrl,
      ...(args.routes && { routes: args.routes }),
    }),
    ANTHROPIC_API_KEY: args.apiKey,
    LITELLM_MASTER_KEY: "sk-bench-master-key",
  };
  const child = new Child([
    ...[...(args.pin ?? []), "unshare", "--mount", "sh", "-c", ENTER, scratch, root],
    ...[...variables, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
    ...(plain === undefined
      ? liteLlmCommand({ port: args.port, drainSeconds: DRAIN_SECONDS })
      : plainCommand(args.port)),
  ]);
  await child.ready("LiteLLM", async () => {
    const { ok } = await fetch(`http://127.0.0.1:${args.port}/health/readiness`);
    return ok;
  });
  return {
    pid: child.pid,
    port: args.port,
    async stop() {
      await child.stop();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function plainCommand(port: number): string[] {
  const config = `${liteLlmPaths.config}/config.yaml`;
  const run = "from litellm import run_server; run_server()";
  return ["python3", "-c", run, `--config=${config}`, "--host=127.0.0.1", `--port=${port}`];
}

/** The layers of the lab's image, one over the other, and the image's variables. */
export async function litellmRoot(progress: Progress, release: LiteLlmRelease = "litellm") {
  const { layers, config } = await litellmImage(release, progress);
  const dir = await part({
    name: "bench-litellm-root",
    inputs: [...layers.map(({ digest }) => digest), JSON.stringify(MOUNTS)],
    build: (dir) =>
      progress.step("Unpacking LiteLLM's image", async () => {
        await unpack(layers, dir);
        for (const mount of Object.values(MOUNTS)) {
          await mkdir(join(dir, mount), { recursive: true });
        }
        await writeFile(join(dir, "etc/hosts"), "");
      }),
  });
  return { root: dir, variables: config.Env ?? [] };
}
