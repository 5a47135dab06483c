import { expect, test } from "vitest";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { renderEnvoyConfig, renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";

const litellmHost = "litellm.claude-gateway.svc.cluster.local";

const paths: Record<string, EnvoyConfigArgs> = {
  "envoy-terminate": { path: "envoy-terminate", credentialKind: "apiKey" },
  "envoy-terminate-oauth": {
    path: "envoy-terminate",
    credentialKind: "oauth",
    routes: ["hello", "models"],
  },
  shim: { path: "shim", credentialKind: "apiKey", litellmHost },
  hybrid: {
    path: "hybrid",
    credentialKind: "oauth",
    litellmHost,
    allowHosts: ["github.com", "npm.pkg.github.com"],
  },
  "envoy-sni": { path: "envoy-sni", allowHosts: ["github.com"] },
};

const files = Object.entries(paths).flatMap(([name, args]) => {
  const secrets =
    args.path === "envoy-sni"
      ? {}
      : renderEnvoySecrets(args, {
          agents: [{ name: "dev-e", tokens: ["planted-agent-token"] }],
          credential: "planted-credential",
        });
  return Object.entries({ ...renderEnvoyConfig(args), ...secrets }).map(([file, text]) => ({
    file: `${name}/${file}`,
    text,
  }));
});

test.each(files)(
  "$file is as reviewed (`vitest run --project unit -u` writes a wanted change)",
  async ({ file, text }) => {
    await expect(text).toMatchFileSnapshot(`./envoy/${file}`);
  },
);
