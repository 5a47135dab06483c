import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyOfProduct } from "./copy.ts";

/** A variant that needs only a module and its line in the list. */
const MODULE = `import { extraRoutes, httpBaseUrl } from "./http.ts";
import { noHosts, type Variant } from "./variant.ts";

/** Like envoy-terminate, but with its own path. */
export const sixth = {
  name: "sixth",
  path: "sixth",
  title: "Sixth",
  chain: "agent → Envoy → API",
  holder: "envoy",
  credentials: ["apiKey"],
  listeners: ["agents"],
  tlsHosts: noHosts,
  baseUrl: httpBaseUrl,
  settings: { routes: extraRoutes },
  portability: "No.",
  deviations: { "body.bytes": { status: "known-loss", loss: "changed", reason: "planted" } },
} as const satisfies Variant;
`;

/** What the copy answers about the variant, as one JSON object. */
const QUESTIONS = `
import { editorSchema } from "./stacks/editor-schema.ts";
import { parseConfig } from "./stacks/config.ts";
import { agentPolicy } from "./components/agents/policy.ts";
import { renderEnvoyConfig } from "./components/gateway/envoy/render.ts";
import { variantNamed } from "./components/gateway/paths/index.ts";
import { trials } from "./test/verify/conformance/all-paths.ts";
import { expectationOf } from "./test/verify/conformance/expected.ts";
import { pathFacts } from "./test/verify/conformance/report/path-facts.ts";
import { NO_SETTINGS, renderedPolicies } from "./test/verify/egress/in-force.ts";
import { registeredGraph } from "./test/golden/graph.ts";

const stack = {
  "claude-gateway:kind": "gateway",
  "claude-gateway:gateway": { path: "sixth" },
  "claude-gateway:credential": { kind: "apiKey", value: "sk-ant-api03-planted" },
  "claude-gateway:agents": [{ name: "dev-e" }],
  "claude-gateway:cluster": { kubeconfig: "package.json" },
};
const entries = Object.fromEntries(
  Object.entries(stack).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
);
const refusal = () => {
  try {
    parseConfig("dev", { ...entries, "claude-gateway:gateway": '{"path":"seventh"}' });
  } catch (error) {
    return error.message;
  }
};
const { resources, outputs } = await registeredGraph("dev", stack);
console.log(JSON.stringify({
  parsed: parseConfig("dev", entries).gateway,
  refusal: refusal(),
  inSchema: JSON.stringify(editorSchema()).split('"const":"sixth"').length - 1,
  deployments: resources.filter(({ type }) => type.endsWith(":Deployment")).map(({ name }) => name),
  outputs,
  listeners: JSON.parse(renderEnvoyConfig({ variant: variantNamed("sixth") })["listeners.json"]).resources.map(({ name }) => name),
  agentPorts: agentPolicy("llm").egress[0].ports.map(({ port }) => port),
  policies: Object.keys(renderedPolicies("gateway", { stack: "dev", gatewayNamespace: "llm", variant: "sixth", settings: NO_SETTINGS }).policies),
  trials: trials.map(({ name }) => name),
  expectation: expectationOf("sixth", { id: "body.bytes" }),
  facts: pathFacts("sixth"),
}));
`;

const { dir, remove } = copyOfProduct();
afterAll(remove);

let types: { readonly status: number | null; readonly stdout: string };
let said: Record<string, unknown> = {};

beforeAll(() => {
  const list = join(dir, "components/gateway/paths/index.ts");
  writeFileSync(join(dir, "components/gateway/paths/sixth.ts"), MODULE);
  const text = readFileSync(list, "utf8");
  writeFileSync(
    list,
    // The line comes with its import, as an editor would add it.
    `import { sixth } from "./sixth.ts";\n${text.replace(/export const variants = \[([^\]]*)\]/, "export const variants = [$1, sixth]")}`,
  );
  const { status, stdout: errors } = spawnSync(
    join(dir, "node_modules/.bin/tsc"),
    ["--incremental", "false"],
    { cwd: dir, encoding: "utf8" },
  );
  types = { status, stdout: errors };
  writeFileSync(join(dir, "questions.ts"), QUESTIONS);
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", "questions.ts"], {
    cwd: dir,
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  said = JSON.parse(stdout) as typeof said;
}, 120_000);

test("no type lists the variants again", () => {
  expect(types).toEqual({ status: 0, stdout: "" });
});

test("one module and one line add a sixth variant everywhere", () => {
  expect(said).toEqual({
    parsed: {
      path: "sixth",
      provider: "anthropic",
      routes: [],
      drainSeconds: 900,
      namespace: "claude-gateway",
    },
    refusal: expect.stringContaining(
      "is not one of litellm, shim, envoy, hybrid, sixth: pulumi config set --path gateway.path litellm|shim|envoy|hybrid|sixth",
    ) as string,
    // A gateway stack and a spike.
    inSchema: 2,
    deployments: [
      "egress-dns-deployment",
      "egress-probe-deployment",
      "gateway-sixth-deployment",
      "usage-deployment",
    ],
    outputs: expect.objectContaining({
      gatewayPath: "sixth",
      baseUrl: "http://gateway.claude-gateway.svc.cluster.local:8080/anthropic",
    }) as object,
    listeners: ["agents"],
    agentPorts: [4000, 8080, 8443],
    policies: ["default-deny", "sixth", "egress-dns", "egress-probe", "usage"],
    trials: [
      "verify-litellm",
      "verify-shim",
      "verify-envoy-terminate",
      "verify-envoy-sni",
      "verify-hybrid",
      "verify-sixth",
    ],
    expectation: { status: "known-loss", loss: "changed", reason: "planted" },
    facts: {
      name: "Sixth",
      chain: "agent → Envoy → API",
      throughLiteLlm: false,
      agentHoldsCredential: false,
      portability: "No.",
    },
  });
});
