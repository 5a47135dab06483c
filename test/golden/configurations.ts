import { generateKeyPairSync } from "node:crypto";
import type { StackFile } from "./graph.ts";

/** A credential that must not appear in any golden file. */
export const PLANTED_KEY = "sk-ant-api03-planted-in-the-golden-configurations";

/** Another credential, of the other kind. */
export const PLANTED_OAUTH_TOKEN = "sk-ant-oat01-planted-in-the-golden-configurations";

/** The key of a GitHub App. It differs each time, because no golden file may contain it. */
const APP_KEY = String(
  generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
    type: "pkcs1",
    format: "pem",
  }),
);

const cluster = { "claude-gateway:cluster": { kubeconfig: "package.json", context: "lab" } };
const credential = { "claude-gateway:credential": { kind: "apiKey", value: PLANTED_KEY } };
const everyImage = {
  litellm: "registry.example/litellm:v1.110.2",
  envoy: "registry.example/envoy:distroless-v1.40.0",
  coredns: "registry.example/coredns:1.14.7",
  node: "registry.example/node:24.13.0",
  ratelimit: "registry.example/ratelimit:3fb70258",
  valkey: "registry.example/valkey:9.1.2",
  runner: "registry.example/claude-runner:1.0.0",
};

/** Another credential, of which nothing is stored. */
export const FEDERATED = {
  kind: "federated",
  federationRule: "fdrl_01golden",
  organization: "3fa85f64-5717-4562-b3fc-2c963f66afa6",
  serviceAccount: "svac_01golden",
  workspace: "wrkspc_01golden",
};

/** The stacks with golden resource graphs. Together they use every option. */
export const configurations: Readonly<Record<string, { stack: string; config: StackFile }>> = {
  "gateway-litellm": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "litellm", namespace: "llm", drainSeconds: 60 },
      "claude-gateway:agents": [{ name: "dev-e" }, { name: "dev-f", tokenGeneration: 2 }],
      "claude-gateway:images": everyImage,
      ...credential,
      ...cluster,
    },
  },
  "gateway-shim": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "shim", routes: ["hello", "models"] },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:egress": { allow: ["github.com"] },
      ...credential,
      ...cluster,
    },
  },
  "gateway-envoy-terminate": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy", routes: ["hello", "models"], drainSeconds: 30 },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:images": everyImage,
      "claude-gateway:credential": { kind: "oauth", value: PLANTED_OAUTH_TOKEN },
      ...cluster,
    },
  },
  "gateway-envoy-vertex": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": {
        path: "envoy",
        provider: "vertex",
        vertex: { project: "my-project", region: "us-east5" },
      },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:images": { runner: everyImage.runner },
      "claude-gateway:credential": {
        kind: "google",
        audience:
          "//iam.googleapis.com/projects/12345/locations/global/workloadIdentityPools/agents/providers/k3s",
      },
      ...cluster,
    },
  },
  "gateway-envoy-budgets": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy", namespace: "llm" },
      "claude-gateway:agents": [
        { name: "dev-e", budget: { usdPerDay: "0.05", usdPer30Days: 60 } },
        { name: "dev-f" },
      ],
      "claude-gateway:budget": { usdPerDay: 20, onFailure: "allow" },
      "claude-gateway:egress": { allow: ["github.com"] },
      ...credential,
      ...cluster,
    },
  },
  "gateway-inspect": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy" },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:egress": {
        allow: ["github.com"],
        inspect: [
          { host: "registry.example.com" },
          {
            host: "packages.example.com",
            methods: ["GET", "PUT"],
            paths: ["/npm/@scope%2fname", "/npm/*"],
            credential: { value: PLANTED_KEY, user: "ci" },
          },
        ],
      },
      ...credential,
      ...cluster,
    },
  },
  "gateway-github": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "hybrid" },
      "claude-gateway:agents": [{ name: "dev-e" }, { name: "dev-f" }],
      "claude-gateway:egress": {
        github: {
          credential: { kind: "app", appId: 1234, installationId: 5678, privateKey: APP_KEY },
          agents: { "dev-e": { read: ["octo-org/docs"], write: ["octo-org/hello"] } },
        },
      },
      ...credential,
      ...cluster,
    },
  },
  "gateway-telemetry": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy" },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:telemetry": {
        scrape: { from: [{ namespace: "monitoring", podLabels: { app: "prometheus" } }] },
        otlp: {
          endpoint: "http://collector.observability.svc.cluster.local:4318",
          headers: { "x-api-key": PLANTED_KEY },
        },
      },
      "claude-gateway:credential": FEDERATED,
      ...cluster,
    },
  },
  "gateway-envoy-sni": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy", mode: "sni" },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:egress": { allow: ["github.com"] },
      "claude-gateway:images": { runner: everyImage.runner },
      "claude-gateway:credential": { kind: "apiKey", holder: "agent", value: PLANTED_KEY },
      ...cluster,
    },
  },
  "gateway-envoy-sni-without-credential": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "envoy", mode: "sni" },
      "claude-gateway:agents": [{ name: "dev-e" }],
      "claude-gateway:credential": { kind: "oauth", holder: "agent" },
      ...cluster,
    },
  },
  "gateway-hybrid": {
    stack: "gateway",
    config: {
      "claude-gateway:kind": "gateway",
      "claude-gateway:gateway": { path: "hybrid", namespace: "llm", routes: ["hello", "models"] },
      "claude-gateway:agents": [{ name: "dev-e" }, { name: "dev-f", tokenGeneration: 2 }],
      "claude-gateway:egress": { allow: ["npm.pkg.github.com", "github.com"] },
      "claude-gateway:images": everyImage,
      ...credential,
      ...cluster,
    },
  },
  "spike-litellm": {
    stack: "try-1",
    config: {
      "claude-gateway:kind": "spike",
      "claude-gateway:gateway": { path: "litellm" },
      "claude-gateway:spike": { ttl: "90m" },
      "claude-gateway:images": { runner: everyImage.runner },
      ...credential,
      ...cluster,
    },
  },
  "host-every-option": {
    stack: "host",
    config: {
      "gcp:project": "my-project",
      "gcp:zone": "europe-west1-b",
      "claude-gateway:kind": "host",
      "claude-gateway:host": {
        machineType: "c4a-standard-4",
        image: "debian-cloud/debian-13-arm64",
        bootDiskGb: 40,
        dataDiskGb: 200,
        snapshots: { keepDays: 14, hourUtc: 5 },
        maintenance: { day: "saturday", hourUtc: 2, hours: 4, reboot: true, drainSeconds: 600 },
        restoreFrom: "gateway-host-data-20261124050000",
        kmsKey: "projects/my-project/locations/europe-west1/keyRings/disks/cryptoKeys/host",
        reservedAddress: true,
        registries: [
          { location: "europe-west1", repository: "agents" },
          { location: "europe", repository: "tools", project: "other-project" },
        ],
        pullCredentials: [{ registry: "ghcr.io", username: "octo-bot", password: PLANTED_KEY }],
        logging: { retentionDays: 90, namespaces: ["claude-gateway", "dev-e"] },
        alerts: {
          emails: ["oncall@example.com"],
          channels: ["projects/my-project/notificationChannels/1234567890"],
        },
        protect: true,
      },
      "claude-gateway:k3s": { version: "v1.36.4+k3s1", sha256: "a".repeat(64) },
    },
  },
};
