import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audienceOf, mintConfig } from "../../../../../components/gateway/mint/config.ts";
import {
  mintContainer,
  mintFiles,
  mintSubject,
  mintVolumes,
} from "../../../../../components/gateway/mint/mint.ts";

const anthropic = {
  kind: "anthropic",
  federationRule: "fdrl_1",
  organization: "o",
  serviceAccount: "svac_1",
} as const;
const google = {
  kind: "google",
  audience: "//iam.googleapis.com/p",
  impersonate: "a@b.example",
} as const;
const github = {
  kind: "github",
  appId: "1",
  installationId: "2",
  privateKeyFile: "/etc/github/key.pem",
  repositories: ["r"],
  permissions: { contents: "read" },
} as const;

test("a configuration has the provider's endpoint, the assertion's file and Envoy's file", () => {
  expect(mintConfig("upstream", anthropic, "credential")).toEqual({
    source: { endpoint: "https://api.anthropic.com", ...anthropic },
    assertionFile: "/var/run/assertions/upstream",
    output: "/var/run/tokens/upstream.json",
    secretName: "credential",
    format: "token",
    renewBeforeSeconds: 720,
    minLifetimeSeconds: 900,
  });
  expect(mintConfig("upstream", google, "credential").source).toEqual({
    endpoint: "https://sts.googleapis.com",
    iamEndpoint: "https://iamcredentials.googleapis.com",
    ...google,
  });
  const forGit = mintConfig("github", github, "github");
  expect(forGit).toMatchObject({ format: "git", secretName: "github" });
  expect(forGit.source).toMatchObject({ endpoint: "https://api.github.com" });
  expect(forGit).not.toHaveProperty("assertionFile");
});

test("the ConfigMap has every script and the configurations", () => {
  const folder = join(import.meta.dirname, "../../../../../components/gateway/mint");
  const scripts = readdirSync(folder).filter((file) => file.endsWith(".mjs"));
  const config = mintConfig("upstream", anthropic, "credential");
  const files = mintFiles({ upstream: config });
  expect(Object.keys(files).sort()).toEqual([...scripts, "upstream.json"].sort());
  expect(JSON.parse(files["upstream.json"] ?? "")).toEqual(config);
});

test("no script imports anything but Node's own modules and the other scripts", () => {
  const imported = Object.values(mintFiles({})).flatMap((text) =>
    [...text.matchAll(/^import .* from "(.*)";$/gm)].map(([, from = ""]) => from),
  );
  expect(imported.length).toBeGreaterThan(10);
  expect(imported.filter((from) => !/^(node:|\.\/[a-z]+\.mjs$)/.test(from))).toEqual([]);
});

test("the container is a sidecar whose probes look at the files", () => {
  const container = mintContainer({
    image: "node@sha256:1",
    names: { required: ["upstream"], optional: ["github"] },
  });
  expect(container).toMatchObject({
    name: "mint",
    image: "node@sha256:1",
    restartPolicy: "Always",
    command: [
      "sh",
      "-c",
      expect.stringContaining(
        "; while :; do node --max-old-space-size=64 /etc/mint/mint.mjs /etc/mint/upstream.json /etc/mint/github.json & wait $! 2>/dev/null; ",
      ) as string,
    ],
    startupProbe: {
      exec: {
        command: [
          "sh",
          "-c",
          "test -e /var/run/tokens/upstream.json && test -e /var/run/tokens/github.json",
        ],
      },
    },
    readinessProbe: {
      exec: {
        command: [
          "sh",
          "-c",
          "{ test -e /var/run/tokens/state/upstream.minted || { cat /var/run/tokens/state/upstream.problem; false; }; } && " +
            "{ test -e /var/run/tokens/state/github.minted || test -e /var/run/tokens/state/waived || { cat /var/run/tokens/state/github.problem; false; }; }",
        ],
      },
    },
    securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false },
  });
  expect(container).not.toHaveProperty("livenessProbe");
  expect(container).not.toHaveProperty("env");
});

test("the tokens are in memory alone, and each assertion has its own audience", () => {
  expect(
    mintVolumes({
      audiences: {
        upstream: audienceOf(anthropic) ?? "",
        vertex: audienceOf(google) ?? "",
      },
    }),
  ).toEqual([
    { name: "tokens", emptyDir: { medium: "Memory", sizeLimit: "4Mi" } },
    {
      name: "assertions",
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: "https://api.anthropic.com",
              expirationSeconds: 600,
              path: "upstream",
            },
          },
          {
            serviceAccountToken: {
              audience: "https://iam.googleapis.com/p",
              expirationSeconds: 600,
              path: "vertex",
            },
          },
        ],
      },
    },
  ]);
  expect(audienceOf(github)).toBeUndefined();
});

test("the subject names the namespace and the account", () => {
  expect(mintSubject("claude-gateway")).toBe("system:serviceaccount:claude-gateway:claude-gateway");
});
