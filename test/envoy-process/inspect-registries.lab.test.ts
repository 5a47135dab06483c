import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { hostCredentialText, inspectedHosts } from "../../components/egress/inspected.ts";
import { credentialForm, type RegistryKind } from "../../components/egress/registries.ts";
import { AgentShell } from "./agent-shell.ts";
import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, secrets, terminate, TOKEN_A } from "./gateways.ts";
import { HOST_TOKEN } from "./inspecting.ts";
import { cargoRegistry, npmRegistry, pythonIndex, type Registry } from "./registries.ts";
import { Upstream } from "./upstream.ts";

/** The real npm, pip and cargo, at registries that are read through the presets of `egress.inspect`. */
const NPM = npmRegistry("npm.example.com", HOST_TOKEN);
const PYPI = pythonIndex("python.example.com", HOST_TOKEN);
const CARGO = cargoRegistry("cargo.example.com", HOST_TOKEN);

const entries: readonly (readonly [Registry, RegistryKind, string])[] = [
  [NPM, "npm", "/team/npm"],
  [PYPI, "pypi", "/team"],
  [CARGO, "cargo", "/team/"],
];
const hosts = entries.map(([{ host }]) => host);

let upstreams: readonly Upstream[];
let envoy: Envoy;
let shell: AgentShell;

beforeAll(async () => {
  const certificate = await certificateFor(...hosts);
  upstreams = await Promise.all(
    entries.map(async ([{ serve }]) => {
      const upstream = await Upstream.start(certificate);
      upstream.handle = serve;
      return upstream;
    }),
  );
  const inspect = inspectedHosts(
    entries.map(([{ host }, registry, base]) => ({ host, registry, base, credential: {} })),
  );
  const hostCredentials = Object.fromEntries(
    entries.map(([{ host }, registry]) => {
      const { user } = credentialForm(registry, {});
      return [host, hostCredentialText({ value: HOST_TOKEN, user })];
    }),
  );
  envoy = await Envoy.start({
    ...rendered({ ...terminate, inspect }, { ...secrets, hostCredentials }),
    leaf: certificate,
    hosts: Object.fromEntries(
      hosts.map((host, index) => [`${host}:443`, upstreams[index]?.port ?? 0]),
    ),
  });
  shell = await AgentShell.start(envoy.ports.sni);
});

afterAll(async () => {
  await shell.stop();
  await envoy.stop();
  await Promise.all(upstreams.map((upstream) => upstream.stop()));
});

beforeEach(() => {
  for (const [{ requests }] of entries) requests.length = 0;
});

const npmrc = `mkdir -p npm && cd npm && printf '{"name":"@scope/mine","version":"1.0.0"}' > package.json &&
  printf '@scope:registry=https://${NPM.host}/team/npm/\\n//${NPM.host}/team/npm/:_authToken=\${TOKEN}\\nfetch-retries=0\\naudit=false\\n' > .npmrc`;
const index = `https://agent:$TOKEN@${PYPI.host}/team/simple/`;
const crates = {
  CARGO_REGISTRIES_LAB_INDEX: `sparse+https://${CARGO.host}/team/`,
  CARGO_REGISTRIES_LAB_TOKEN: TOKEN_A,
  CARGO_REGISTRIES_LAB_CREDENTIAL_PROVIDER: "cargo:token",
  CARGO_NET_RETRY: "0",
};
const crate = `mkdir -p crate/src && : > crate/src/lib.rs && cd crate &&
  printf '[package]\\nname = "mine"\\nversion = "0.1.0"\\ndescription = "x"\\nlicense = "MIT"\\n[dependencies]\\nprivate = { version = "1", registry = "lab" }\\n' > Cargo.toml`;

test("npm installs a scoped package", async () => {
  const said = await shell.run(
    `${npmrc} && npm install @scope/name && cat node_modules/@scope/name/package.json`,
  );
  expect(said).toContain('{"name":"@scope/name","version":"1.0.0"}');
  expect(NPM.requests).toEqual([
    "GET /team/npm/@scope%2fname",
    "GET /team/npm/@scope/name/-/name-1.0.0.tgz",
  ]);
});

test("npm is told that it must not publish, nor list tokens", async () => {
  const said = await shell.run(
    `${npmrc} && npm publish; npm token list --registry=https://${NPM.host}/team/npm/`,
  );
  const what = `gateway: agents may only read packages from the npm registry ${NPM.host} below /team/npm`;
  expect(said).toContain(
    `403 Forbidden - PUT https://${NPM.host}/team/npm/@scope%2fmine - ${what}: PUT /team/npm/@scope%2fmine is not allowed`,
  );
  expect(said).toContain("GET /team/npm/-/npm/v1/tokens is not allowed");
  // Before npm publishes, it looks for the versions that there are.
  const look = "GET /team/npm/@scope%2fmine";
  expect(NPM.requests.filter((request) => request !== look)).toEqual([]);
});

test("pip installs a package", async () => {
  const said = await shell.run(
    `python3 -m pip install --no-cache-dir --retries 0 --no-deps --target packages --index-url ${index} private-name && ls packages`,
  );
  expect(said).toContain("private_name.py");
  expect(PYPI.requests).toEqual([
    "GET /team/simple/private-name/",
    "GET /team/files/private_name-1.0-py3-none-any.whl",
  ]);
});

test("an upload to the Python index is refused", async () => {
  const said = await shell.run(
    `curl -sS -u agent:$TOKEN -F content=@/etc/hostname https://${PYPI.host}/team/`,
  );
  expect(said).toContain(
    `agents may only read packages from the pypi registry ${PYPI.host} below /team: POST /team/ is not allowed`,
  );
  expect(PYPI.requests).toEqual([]);
});

test("cargo fetches a crate with the token alone", async () => {
  const said = await shell.run(`${crate} && cargo fetch && ls $CARGO_HOME/registry/cache/*`, {
    variables: crates,
  });
  expect(said).toContain("private-1.0.0.crate");
  expect(new Set(CARGO.requests)).toEqual(
    new Set([
      "GET /team/config.json",
      "GET /team/pr/iv/private",
      "GET /team/crates/private/1.0.0/download",
    ]),
  );
});

test("cargo is told that it must not publish", async () => {
  const said = await shell.run(
    `${crate} && cargo publish --registry lab --no-verify --allow-dirty`,
    { variables: crates },
  );
  expect(said).toContain(
    `agents may only read packages from the cargo registry ${CARGO.host} below /team/: PUT /team/api/v1/crates/new is not allowed`,
  );
  expect(CARGO.requests.filter((request) => !request.startsWith("GET "))).toEqual([]);
});

test("without the agent's token, the far side is asked nothing", async () => {
  for (const host of hosts) {
    expect(await shell.run(`curl -sS -o /dev/null -w '%{http_code}' https://${host}/team/x`)).toBe(
      "401",
    );
  }
  expect(entries.flatMap(([{ requests }]) => requests)).toEqual([]);
});
