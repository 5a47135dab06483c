import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Child } from "../../envoy-process/child.ts";
import { freePort } from "../../envoy-process/free-port.ts";
import { startLiteLlm } from "../../envoy-process/litellm-process.ts";
import { npmPart } from "../../lab/parts/npm.ts";
import { pipPart } from "../../lab/parts/python/pip.ts";
import type { Progress } from "../../lab/progress.ts";
import type { Check, CheckContext } from "../conformance/checks/check.ts";

/** A gateway under way. */
export interface Running {
  readonly url: string;
  /** What a client sends as its token. */
  readonly token: string;
  /** Headers that every request needs, as in `ANTHROPIC_CUSTOM_HEADERS`. Default none. */
  readonly headers?: readonly string[];
  /** Runs a turn of Claude Code with it. Default: Claude Code is not measured. */
  readonly claude?: CheckContext["claude"];
  stop(): Promise<void>;
}

/** What a gateway is started with. */
export interface Setting {
  /** The API's base URL, without a path. */
  readonly upstream: string;
  readonly upstreamPort: number;
  /** Port of the API with TLS, with a certificate for its real name. */
  readonly tlsPort: number;
  /** The API's key. */
  readonly key: string;
  /** An empty folder, for its files. */
  readonly dir: string;
  readonly progress: Progress;
}

/** Something to measure that a package registry has. */
export interface OtherGateway {
  /** Name in file names. */
  readonly name: string;
  readonly title: string;
  /** The package and its version, which is also pinned in `test/lab/parts/`. */
  readonly version: string;
  /** The checks to run. Default: all. */
  readonly checks?: (check: Check) => boolean;
  readonly start: (setting: Setting) => Promise<Running>;
}

const TOKEN = "sk-token-of-the-measured-gateway";

/** The model of the checks, for gateways that want a list. */
const MODEL = "claude-haiku-4-5-20251001";

/** Starts a program on a free port and waits for any answer. */
async function serve(
  name: string,
  command: (port: number) => Promise<{
    readonly argv: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd: string;
  }>,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const { argv, env = {}, cwd } = await command(port);
  const child = new Child(argv, { PATH: process.env.PATH, HOME: cwd, ...env }, cwd);
  const url = `http://127.0.0.1:${port}`;
  await child.ready(name, async () => (await fetch(url)).status > 0);
  return { url, stop: () => child.stop() };
}

const adapter: OtherGateway = {
  name: "litellm-adapter",
  title: "LiteLLM, its own /v1/messages",
  version: "litellm 1.110.2",
  async start({ upstream, key, progress }) {
    const port = await freePort();
    const litellm = await startLiteLlm(
      {
        ...{ port, token: TOKEN, apiKey: key, upstreamBaseUrl: upstream },
        plain: {
          model_list: [
            {
              model_name: "*",
              litellm_params: { model: "anthropic/*", api_base: upstream, api_key: key },
            },
          ],
          general_settings: { master_key: TOKEN },
        },
      },
      progress,
    );
    return { url: `http://127.0.0.1:${port}`, token: TOKEN, stop: () => litellm.stop() };
  },
};

const portkey: OtherGateway = {
  name: "portkey",
  title: "Portkey's gateway",
  version: "@portkey-ai/gateway 1.15.2",
  async start({ upstreamPort, key, dir, progress }) {
    const running = await serve("Portkey's gateway", async (port) => ({
      argv: [
        process.execPath,
        join(
          await npmPart("portkey", progress),
          "node_modules/@portkey-ai/gateway/build/start-server.js",
        ),
        ...[`--port=${port}`, "--headless"],
      ],
      env: { NODE_ENV: "production" },
      cwd: dir,
    }));
    // The client names the provider, and holds the API's key.
    const headers = [
      "x-portkey-provider: anthropic",
      `x-portkey-custom-host: http://localhost:${upstreamPort}/v1`,
    ];
    return { ...running, token: key, headers };
  },
};

const router: OtherGateway = {
  name: "claude-code-router",
  title: "Claude Code Router",
  version: "@musistudio/claude-code-router 2.0.0",
  async start({ upstream, key, dir, progress }) {
    const running = await serve("Claude Code Router", async (port) => {
      await mkdir(join(dir, ".claude-code-router"));
      const config = {
        ...{ PORT: port, HOST: "127.0.0.1", APIKEY: TOKEN, LOG: false },
        Providers: [
          {
            ...{ name: "anthropic", api_base_url: `${upstream}/v1/messages`, api_key: key },
            ...{ models: [MODEL], transformer: { use: ["Anthropic"] } },
          },
        ],
        Router: { default: `anthropic,${MODEL}` },
      };
      await writeFile(join(dir, ".claude-code-router/config.json"), JSON.stringify(config));
      const script = "node_modules/@musistudio/claude-code-router/dist/cli.js";
      const part = await npmPart("claude-code-router", progress);
      return { argv: [process.execPath, join(part, script), "start"], cwd: dir };
    });
    return { ...running, token: TOKEN };
  },
};

const inferrail: OtherGateway = {
  name: "inferrail",
  title: "Inferrail",
  version: "inferrail 0.4.16",
  async start({ upstream, key, dir, progress }) {
    const running = await serve("Inferrail", async (port) => {
      const config = {
        server: { host: "127.0.0.1", port },
        ...{ telemetry: { sink: "none" }, receipts: { sink: "none" }, routes: {} },
        providers: {
          api: {
            ...{ type: "anthropic_compatible", api_key_env: "API_KEY", base_url: `${upstream}/v1` },
          },
        },
        default_anthropic_provider: "api",
      };
      await writeFile(join(dir, "inferrail.yaml"), JSON.stringify(config));
      const part = await pipPart("inferrail", progress);
      return {
        argv: ["python3", join(part, "bin/inferrail"), "serve", "--no-telemetry"],
        env: { PYTHONPATH: part, API_KEY: key },
        cwd: dir,
      };
    });
    return { ...running, token: TOKEN };
  },
};

const litelitellm: OtherGateway = {
  name: "litelitellm",
  title: "litelitellm",
  version: "litelitellm 0.1.3",
  async start({ upstream, key, dir, progress }) {
    const running = await serve("litelitellm", async (port) => {
      const part = await pipPart("litelitellm", progress);
      return {
        argv: ["python3", "-m", "litelitellm"],
        env: {
          ...{ PYTHONPATH: part, ANTHROPIC_API_KEY: key, ANTHROPIC_API_URL: upstream },
          ...{ LITELITELLM_HOST: "127.0.0.1", LITELITELLM_PORT: String(port) },
        },
        cwd: dir,
      };
    });
    // It asks no client for a token and passes the client's key on.
    return { ...running, token: key };
  },
};

const rolter: OtherGateway = {
  name: "rolter",
  title: "rolter",
  version: "rolter 0.1.0",
  async start({ upstream, key, dir, progress }) {
    const running = await serve("rolter", async (port) => {
      const config = [
        `[server]\nhost = "127.0.0.1"\nport = ${port}`,
        `[[providers]]\nname = "api"\nkind = "anthropic"\napi_base = "${upstream}"\napi_key_env = "API_KEY"`,
        `[[routes]]\nmodel = "${MODEL}"\n[[routes.targets]]\nprovider = "api"\nmodel = "${MODEL}"`,
      ];
      await writeFile(join(dir, "rolter.toml"), config.join("\n"));
      const part = await pipPart("rolter", progress);
      return { argv: [join(part, "bin/rolter"), "gateway"], env: { API_KEY: key }, cwd: dir };
    });
    return { ...running, token: TOKEN };
  },
};

/** In the order of the table. */
export const otherGateways: readonly OtherGateway[] = [
  adapter,
  portkey,
  router,
  inferrail,
  litelitellm,
  rolter,
];
