import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AgentShell } from "./agent-shell.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, secrets, TOKEN_A } from "./gateways.ts";
import { HOST_TOKEN, inspecting, PRIVATE, REGISTRY } from "./inspecting.ts";
import { Upstream } from "./upstream.ts";

let host: Upstream;
let envoy: Envoy;
let shell: AgentShell;

beforeAll(async () => {
  host = await Upstream.start(await certificateFor(REGISTRY, PRIVATE));
  envoy = await Envoy.start({
    ...rendered(inspecting, { ...secrets, hostCredentials: { packages: HOST_TOKEN } }),
    leaf: await certificateFor(REGISTRY, PRIVATE),
    hosts: { [`${PRIVATE}:443`]: host.port },
  });
  shell = await AgentShell.start(envoy.ports.sni);
});

afterAll(async () => {
  await shell.stop();
  await envoy.stop();
  await host.stop();
});

beforeEach(() => {
  host.received.length = 0;
});

function asAgent(command: string, trust: boolean): Promise<string> {
  return shell.run(command, { trust, variables: { URL: `https://${PRIVATE}/npm` } });
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
