import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { agentEnvironment } from "../../components/agents/environment.ts";
import { gateFiles } from "../../components/egress/gate/gate.ts";
import { TRUST_DIR } from "../../components/egress/gate/trust.ts";
import { labCa } from "../lab/parts/ca.ts";
import { TOKEN_A } from "./gateways.ts";

/**
 * Runs this machine's real programs with the environment of an agent. Here they find Envoy through a proxy, because only a
 * cluster's DNS can send their port 443 to it. What they ask and how they check certificates stays the same.
 */
export class AgentShell {
  readonly #dir: string;
  readonly #proxy: http.Server;

  private constructor(dir: string, proxy: http.Server) {
    this.#dir = dir;
    this.#proxy = proxy;
  }

  /** `envoyPort` is where Envoy takes TLS. */
  static async start(envoyPort: number): Promise<AgentShell> {
    const proxy = http.createServer().on("connect", (_request, socket: net.Socket) => {
      const to = net.connect(envoyPort, "127.0.0.1");
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      socket.pipe(to).pipe(socket);
      for (const each of [socket, to]) each.on("error", () => undefined);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const dir = await mkdtemp(join(tmpdir(), "clients-"));
    await mkdir(join(dir, "trust"));
    await mkdir(join(dir, "home"));
    const authority = await readFile((await labCa()).certFile, "utf8");
    for (const [name, text] of Object.entries(gateFiles(authority)))
      await writeFile(join(dir, name), text);
    execFileSync(process.execPath, [join(dir, "trust.mjs")], {
      env: { TRUST_DIR: join(dir, "trust") },
    });
    return new AgentShell(dir, proxy);
  }

  /** Output of a shell command in the agent's home, with the variables of its pod or without those for authorities. */
  async run(
    command: string,
    { trust = true, variables = {} }: { trust?: boolean; variables?: Record<string, string> } = {},
  ): Promise<string> {
    const ofPod = agentEnvironment({ baseUrl: "http://gateway", trust }).flatMap((entry) =>
      "value" in entry
        ? [[entry.name, entry.value.replace(TRUST_DIR, join(this.#dir, "trust"))] as const]
        : [],
    );
    const address = `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
    const home = join(this.#dir, "home");
    const { PATH = "", HOME = "" } = process.env;
    const env = {
      ...Object.fromEntries(ofPod),
      ...{ PATH, HOME: home, TOKEN: TOKEN_A, HTTPS_PROXY: address, https_proxy: address },
      ...{ CARGO_HOME: join(home, "cargo"), RUSTUP_HOME: join(HOME, ".rustup") },
      ...{ PYENV_ROOT: join(HOME, ".pyenv"), PIP_DISABLE_PIP_VERSION_CHECK: "1" },
      // A machine can have settings of its own for pip and npm.
      ...{ NPM_CONFIG_GLOBALCONFIG: "/dev/null", PIP_CONFIG_FILE: "/dev/null" },
      ...{ GIT_TERMINAL_PROMPT: "0", GOFLAGS: "-mod=mod", GOPATH: join(home, "go") },
      ...{ GONOSUMDB: "*", GONOSUMCHECK: "1" },
      ...variables,
    };
    const options = { env, cwd: home, timeout: 60_000 };
    const run = promisify(execFile)("sh", ["-c", `{ ${command}\n} 2>&1`], options);
    return run.then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { stdout?: string }).stdout ?? "",
    );
  }

  async stop(): Promise<void> {
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    await rm(this.#dir, { recursive: true });
  }
}
