import { execFile, type ExecFileException } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayToken } from "../../components/agents/environment.ts";
import { githubEnvironment } from "../../components/agents/github-environment.ts";
import { hostCredentialSecret } from "../../components/gateway/envoy/headers.ts";
import {
  GITHUB_API,
  GITHUB_GIT,
  type GithubAccess,
  githubHosts,
} from "../../components/gateway/github/hosts.ts";
import { githubSource } from "../../components/gateway/github/source.ts";
import type { InspectedHost } from "../../components/gateway/inspect/rules.ts";
import { Github, GITHUB_HOSTS } from "../lab/hosts/github/github.ts";
import { labCa } from "../lab/parts/ca.ts";
import { GithubTokens } from "../lab/tokens/github.ts";
import { TokenServer } from "../lab/tokens/server.ts";
import { ConnectProxy } from "./connect-proxy.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, secrets, terminate, TOKEN_A, TOKEN_B } from "./gateways.ts";
import { GithubServer } from "./github-server.ts";
import { MintProcess } from "./mint-process.ts";

const APP = { appId: "1234", installationId: "5678" };

/** What the agents may use. `lab/secret` is nobody's. */
export const ACCESS: GithubAccess = {
  credential: "app",
  agents: {
    "dev-e": { read: ["lab/docs"], write: ["Lab/Hello"] },
    "dev-f": { read: ["lab/hello", "lab/old"], write: [] },
  },
};

const TOKENS = { "dev-e": TOKEN_A, "dev-f": TOKEN_B };
export type Who = keyof typeof TOKENS | "nobody";

/** What a program printed, and how it ended. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Agents with real clients, the real Envoy with the real helper that mints, and the stand-in of GitHub. */
export class GithubRange {
  readonly dir: string;
  readonly github: Github;
  readonly app: GithubTokens;
  readonly envoy: Envoy;
  readonly #proxy: ConnectProxy;
  readonly #caFile: string;
  readonly #stops: (() => Promise<void>)[];

  private constructor(
    parts: Pick<GithubRange, "dir" | "github" | "app" | "envoy">,
    proxy: ConnectProxy,
    caFile: string,
    stops: (() => Promise<void>)[],
  ) {
    this.dir = parts.dir;
    this.github = parts.github;
    this.app = parts.app;
    this.envoy = parts.envoy;
    this.#proxy = proxy;
    this.#caFile = caFile;
    this.#stops = stops;
  }

  /** Starts all of it. The hosts are those of {@link ACCESS}, or a test's. */
  static async open(hosts: readonly InspectedHost[] = githubHosts(ACCESS)): Promise<GithubRange> {
    const dir = await mkdtemp(join(tmpdir(), "github-"));
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const privateKeyFile = join(dir, "app.pem");
    await writeFile(privateKeyFile, privateKey.export({ type: "pkcs1", format: "pem" }));
    const source = githubSource({ ...APP, privateKeyFile, agents: ACCESS.agents });
    const app = new GithubTokens({
      ...{ id: APP.appId, installationId: APP.installationId, owner: "lab", publicKey },
      lifetimeSeconds: 3600,
      repositories: ["hello", "docs", "secret", "old"],
      permissions: source.permissions as Record<string, "read" | "write">,
    });
    const github = new Github({ root: join(dir, "github"), app });
    await addRepositories(github);

    const server = await GithubServer.start(github);
    const tokenServer = await TokenServer.start(app.handle, await certificateFor("127.0.0.1"));
    const mints = await Promise.all(
      ([GITHUB_GIT, GITHUB_API] as const).map((name) =>
        MintProcess.prepare(
          { ...source, endpoint: tokenServer.url },
          {},
          {
            ...{ name, dir, secretName: hostCredentialSecret(name) },
            format: name === GITHUB_GIT ? "git" : "token",
          },
        ),
      ),
    );
    await Promise.all(mints.map((mint) => mint.start()));
    await Promise.all(mints.map((mint) => mint.nextToken()));
    const envoy = await Envoy.start({
      ...rendered({ ...terminate, inspect: hosts }, secrets),
      tokens: join(dir, "tokens"),
      leaf: await certificateFor(...GITHUB_HOSTS, "objects.githubusercontent.com"),
      hosts: Object.fromEntries(GITHUB_HOSTS.map((host) => [`${host}:443`, server.port])),
    });
    const proxy = await ConnectProxy.start(envoy.ports.sni);
    return new GithubRange({ dir, github, app, envoy }, proxy, (await labCa()).certFile, [
      () => proxy.stop(),
      () => envoy.stop(),
      ...mints.map((mint) => () => mint.kill()),
      () => tokenServer.stop(),
      () => server.stop(),
      () => rm(dir, { recursive: true, force: true }),
    ]);
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) await stop();
  }

  /** Replaces the rules, as an update of the stack does. */
  async setHosts(hosts: readonly InspectedHost[]): Promise<void> {
    const { config, secrets: files } = rendered({ ...terminate, inspect: hosts }, secrets);
    await this.envoy.updateSecrets(files ?? {});
    await this.envoy.updateConfig(config);
  }

  /** Forgets what arrived and what was logged. */
  forget(): void {
    this.github.received.length = 0;
    this.envoy.accessLog.length = 0;
  }

  /** Runs a program as an agent: with the agent's token and settings in its environment, and no other credential. */
  async run(who: Who, program: string, args: readonly string[]): Promise<Run> {
    const env = {
      PATH: process.env.PATH,
      HOME: this.dir,
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "agent",
      GIT_AUTHOR_EMAIL: "agent@example.invalid",
      GIT_COMMITTER_NAME: "agent",
      GIT_COMMITTER_EMAIL: "agent@example.invalid",
      HTTPS_PROXY: this.#proxy.url,
      GIT_SSL_CAINFO: this.#caFile,
      CURL_CA_BUNDLE: this.#caFile,
      ...(who !== "nobody" && {
        [gatewayToken.variable]: TOKENS[who],
        ...Object.fromEntries(
          githubEnvironment(gatewayToken).map((variable) => [
            variable.name,
            "value" in variable ? variable.value : TOKENS[who],
          ]),
        ),
      }),
    };
    return new Promise((resolve) => {
      execFile(program, args, { env, cwd: this.dir }, (error, stdout, stderr) => {
        const { code = 0 } = (error ?? {}) as ExecFileException;
        resolve({ code: Number(code), stdout, stderr });
      });
    });
  }

  git(who: Who, ...args: string[]): Promise<Run> {
    return this.run(who, "git", args);
  }

  /** One request by curl. Its token is where clients of GitHub's API put theirs. */
  async ask(
    who: Who,
    request: string,
    { body, more = [] }: { readonly body?: unknown; readonly more?: readonly string[] } = {},
  ): Promise<{ status: number; body: string }> {
    const [method = "", url = ""] = request.split(" ");
    const { stdout, stderr } = await this.run(who, "curl", [
      ...["--silent", "--show-error", "--path-as-is", "--globoff", "--write-out", "\n%{http_code}"],
      ...["--request", method, "--max-time", "20"],
      ...(who === "nobody" ? [] : ["--header", `authorization: Bearer ${TOKENS[who]}`]),
      ...(body === undefined ? [] : ["--data", JSON.stringify(body)]),
      ...more,
      `https://${url}`,
    ]);
    const end = stdout.lastIndexOf("\n");
    if (stderr !== "") throw new Error(stderr);
    return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
  }
}

async function addRepositories({ world }: Github): Promise<void> {
  const files = { "README.md": "hello\n" };
  await world.add({ name: "lab/hello", private: true, files });
  await world.add({ name: "lab/docs", private: true, files });
  await world.add({ name: "lab/secret", private: true, files: { "SECRET.md": "secret\n" } });
  await world.add({ name: "lab/new", files, formerNames: ["lab/old"] });
  await world.add({ name: "eve/hello", forkOf: "lab/hello", files });
  await world.add({ name: "eve/public", files });
}
