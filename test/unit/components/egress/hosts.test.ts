import { describe, expect, test } from "vitest";
import { egressDnsAddresses } from "../../../../components/egress/egress.ts";
import { renderEgressDnsFiles } from "../../../../components/egress/dns/corefile.ts";
import type { EnvoyConfigArgs } from "../../../../components/gateway/envoy/args.ts";
import { renderEnvoyConfig } from "../../../../components/gateway/envoy/render.ts";
import {
  type VariantName,
  variantNamed,
  variantNames,
} from "../../../../components/gateway/paths/index.ts";
import { envoySni } from "../../../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";
import { hybrid } from "../../../../components/gateway/paths/hybrid.ts";
import { shim } from "../../../../components/gateway/paths/shim.ts";

const ALLOW = ["npm.pkg.github.com", "github.com"];
const GATEWAY = "gateway.llm.svc.cluster.local";

const expected: Record<VariantName, string[]> = {
  litellm: [],
  shim: [],
  "envoy-terminate": ["github.com", "npm.pkg.github.com"],
  "envoy-sni": ["api.anthropic.com", "github.com", "npm.pkg.github.com"],
  hybrid: ["github.com", "npm.pkg.github.com"],
};

const envoys: readonly EnvoyConfigArgs[] = [
  { variant: shim, credentialKind: "apiKey", litellmHost: "litellm.example" },
  { variant: envoyTerminate, credentialKind: "apiKey", allowHosts: ALLOW },
  { variant: envoySni, allowHosts: ALLOW },
  { variant: hybrid, credentialKind: "apiKey", litellmHost: "litellm.example", allowHosts: ALLOW },
];

describe.each(variantNames)("the allowlist on %s", (variant) => {
  test("contains exactly these hosts", () => {
    expect(variantNamed(variant).tlsHosts(ALLOW)).toEqual(expected[variant]);
  });

  test("and the gateway are the only names in the agents' DNS", () => {
    const addresses = egressDnsAddresses({
      host: GATEWAY,
      address: "10.43.1.2",
      hosts: variantNamed(variant).tlsHosts(ALLOW),
    });
    const { zone = "" } = renderEgressDnsFiles({ mountPath: "/etc/coredns", addresses });
    expect(zone.match(/^\S+ A .*$/gm)).toEqual(
      [...expected[variant], GATEWAY].sort().map((host) => `${host}. A 10.43.1.2`),
    );
  });
});

describe.each(envoys)("the allowlist in Envoy on $variant.name", (args) => {
  const files = renderEnvoyConfig(args);
  const resources = <T>(file: string) =>
    (JSON.parse(files[file] ?? "") as { resources: T[] }).resources;

  test("contains all server names that have a filter chain", () => {
    const listeners = resources<{
      filter_chains: { filter_chain_match?: { server_names?: string[] } }[];
    }>("listeners.json");
    const names = listeners
      .flatMap((listener) => listener.filter_chains)
      .flatMap((chain) => chain.filter_chain_match?.server_names ?? []);
    expect(names).toEqual(expected[args.variant.name as VariantName]);
  });

  test("and the upstream are the only outside hosts with a cluster", () => {
    const clusters = resources<{ load_assignment: object }>("clusters.json");
    const outside = clusters
      .map((cluster) => JSON.stringify(cluster.load_assignment))
      .filter((assignment) => assignment.includes('"port_value":443'))
      .map((assignment) => /"address":"([^"]*)"/.exec(assignment)?.[1]);
    expect(outside.sort()).toEqual(
      [...new Set([...expected[args.variant.name as VariantName], "api.anthropic.com"])].sort(),
    );
  });
});
