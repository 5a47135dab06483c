import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { agentEnvironment } from "../../components/agents/environment.ts";
import { gateFiles } from "../../components/egress/gate/gate.ts";
import { TRUST_DIR } from "../../components/egress/gate/trust.ts";
import { labCa } from "../lab/parts/ca.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, secrets, TOKEN_A } from "./gateways.ts";
import { HOST_TOKEN, inspecting, PRIVATE, REGISTRY } from "./inspecting.ts";
import { Upstream } from "./upstream.ts";

/**
 * The real programs of this machine, with the environment of an agent. Here they find Envoy through a proxy, because only a
 * cluster's DNS can send their port 443 to it. What they ask and how they check certificates stays the same.
 */
let dir: string;
let host: Upstream;
let envoy: Envoy;
let proxy: http.Server;

beforeAll(async () => {
  host = await Upstream.start(await certificateFor(REGISTRY, PRIVATE));
  envoy = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaf: await certificateFor(REGISTRY, PRIVATE),
    hosts: { [`${PRIVATE}:443`]: host.port },
  });
  proxy = http.createServer().on("connect", (_request, socket: net.Socket) => {
    const to = net.connect(envoy.ports.sni, "127.0.0.1");
    socket.write("HTTP/1.1 200 Connected\r\n\r\n");
    socket.pipe(to).pipe(socket);
    for (const each of [socket, to]) each.on("error", () => undefined);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  dir = await mkdtemp(join(tmpdir(), "clients-"));
  await mkdir(join(dir, "trust"));
  await mkdir(join(dir, "home"));
  const authority = await readFile((await labCa()).certFile, "utf8");
  for (const [name, text] of Object.entries(gateFiles(authority)))
    await writeFile(join(dir, name), text);
  execFileSync(process.execPath, [join(dir, "trust.mjs")], {
    env: { TRUST_DIR: join(dir, "trust") },
  });
});

afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await envoy.stop();
  await host.stop();
  await rm(dir, { recursive: true });
});

beforeEach(() => {
  host.received.length = 0;
});

/** Runs a shell command as an agent, with the variables of its pod or without those for authorities. */
async function asAgent(command: string, trust: boolean): Promise<string> {
  const variables = agentEnvironment({ baseUrl: "http://gateway", trust }).flatMap((entry) =>
    "value" in entry
      ? [[entry.name, entry.value.replace(TRUST_DIR, join(dir, "trust"))] as const]
      : [],
  );
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { PATH = "", HOME = "" } = process.env;
  const env = {
    ...Object.fromEntries(variables),
    ...{ PATH, HOME: join(dir, "home"), TOKEN: TOKEN_A, URL: `https://${PRIVATE}/npm` },
    ...{ HTTPS_PROXY: address, https_proxy: address, GIT_TERMINAL_PROMPT: "0" },
    ...{ CARGO_HOME: join(dir, "home/cargo"), RUSTUP_HOME: join(HOME, ".rustup") },
    ...{ PYENV_ROOT: join(HOME, ".pyenv"), PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    // A machine can have an npm that reads its own list of authorities.
    NPM_CONFIG_GLOBALCONFIG: "/dev/null",
    ...{ GOFLAGS: "-mod=mod", GOPATH: join(dir, "home/go"), GONOSUMDB: "*", GONOSUMCHECK: "1" },
  };
  const options = { env, cwd: join(dir, "home"), timeout: 60_000 };
  const run = promisify(execFile)("sh", ["-c", `${command} 2>&1`], options);
  return run.then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { stdout?: string }).stdout ?? "",
  );
}

const npmrc = `printf '//${PRIVATE}/npm/:_authToken=\${TOKEN}\\n' > .npmrc`;
const basic = "https://agent:$TOKEN@${URL#https://}";

/** Each program with a request, and the path that has to arrive. */
const clients: Readonly<Record<string, { readonly command: string; readonly path: string }>> = {
  curl: { command: 'curl -sS -H "Authorization: Bearer $TOKEN" $URL/curl', path: "/npm/curl" },
  git: {
    command: `git ls-remote ${basic}/git`,
    path: "/npm/git/info/refs?service=git-upload-pack",
  },
  npm: {
    command: `${npmrc}; npm view --userconfig=.npmrc --registry=$URL/ --fetch-retries=0 @scope/name`,
    path: "/npm/@scope%2fname",
  },
  node: {
    command: `node -e '
      const connect = require("http").request(process.env.HTTPS_PROXY, { method: "CONNECT", path: "${PRIVATE}:443" });
      connect.on("connect", (_, socket) => require("https").get(process.env.URL + "/node", {
        createConnection: () => require("tls").connect({ socket, servername: "${PRIVATE}" }),
        headers: { host: "${PRIVATE}", authorization: "Bearer " + process.env.TOKEN } }, (answer) => { console.log(answer.statusCode); process.exit(); }));
      connect.end();'`,
    path: "/npm/node",
  },
  python: {
    command: `python3 -c 'import os, urllib.request as u
u.urlopen(u.Request(os.environ["URL"] + "/python", headers={"Authorization": "Bearer " + os.environ["TOKEN"]}))'`,
    path: "/npm/python",
  },
  pip: {
    command: `python3 -m pip download --no-cache-dir --retries 0 --index-url ${basic}/simple/ absent-package`,
    path: "/npm/simple/absent-package/",
  },
  cargo: {
    command: `mkdir -p crate/src && : > crate/src/lib.rs &&
      printf '[package]\\nname = "x"\\nversion = "0.1.0"\\n[dependencies]\\nabsent = { version = "1", registry = "lab" }\\n' > crate/Cargo.toml &&
      cd crate && CARGO_REGISTRIES_LAB_INDEX=sparse+$URL/cargo/ CARGO_NET_RETRY=0 CARGO_REGISTRIES_LAB_TOKEN="Bearer $TOKEN" \\
      CARGO_REGISTRIES_LAB_CREDENTIAL_PROVIDER=cargo:token cargo fetch`,
    path: "/npm/cargo/config.json",
  },
  go: {
    command: `mkdir -p module && cd module && printf 'module x\\n' > go.mod &&
      GOPROXY=${basic}/go GONOSUMDB='*' GOFLAGS=-mod=mod GOTOOLCHAIN=local go list -m example.com/absent@latest`,
    path: "/npm/go/example.com/absent/@v/list",
  },
};

describe.each(Object.entries(clients))("%s", (name, { command, path }) => {
  const there = (() => {
    try {
      execFileSync("sh", ["-c", `command -v ${name === "python" ? "python3" : name}`]);
      return true;
    } catch {
      return false;
    }
  })();

  test.runIf(there)(
    "trusts the gateway's certificate, and its request arrives with the host's token",
    async () => {
      const said = await asAgent(command, true);
      const request = host.received.find(({ url }) => url === path);
      expect(request, said).toBeDefined();
      expect(
        Object.fromEntries(
          request?.headers.map(([key, value]) => [key.toLowerCase(), value]) ?? [],
        ),
      ).toMatchObject({ authorization: `Bearer ${HOST_TOKEN}` });
      expect(JSON.stringify(host.received)).not.toContain(TOKEN_A);
    },
  );

  test.runIf(there)("does not without the variables", async () => {
    await asAgent(command, false);
    expect(host.received).toEqual([]);
  });
});
