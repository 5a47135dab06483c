import * as pulumi from "@pulumi/pulumi";
import { hostCredentialName, inspectedHosts } from "../components/egress/inspected.ts";
import { githubHosts } from "../components/gateway/github/hosts.ts";
import { mintedByApp, storedGithubTokens } from "../components/gateway/github/minted.ts";
import { Authority } from "../components/gateway/inspect/authority.ts";
import type { Inspection, MintedForHosts } from "../components/gateway/inspect/inspection.ts";
import type { OnCluster } from "./config.ts";

/** The inspected hosts of a stack, with an authority for them. Undefined if it has none. */
export function inspectionOf(
  { egress }: OnCluster,
  gatewayNamespace: string,
  opts: pulumi.ComponentResourceOptions,
): Inspection | undefined {
  const { github } = egress;
  const hosts = [
    ...inspectedHosts(egress.inspect),
    ...(github ? githubHosts({ agents: github.agents, credential: github.credential.kind }) : []),
  ];
  if (hosts.length === 0) return undefined;
  const credentials = egress.inspect.flatMap(({ host, credential }) =>
    credential === undefined ? [] : [[hostCredentialName(host), credential.text] as const],
  );
  return {
    hosts,
    credentials: { ...Object.fromEntries(credentials), ...storedTokens(github) },
    minted: mintedFor(github),
    authority: new Authority(
      "inspect-authority",
      { commonName: `claude-gateway ${gatewayNamespace}` },
      opts,
    ),
  };
}

/** Whether an agent has repositories on GitHub. */
export function usesGithub({ egress }: OnCluster, agent: string): boolean {
  const { read = [], write = [] } = egress.github?.agents[agent] ?? {};
  return read.length + write.length > 0;
}

type Github = OnCluster["egress"]["github"];

function storedTokens(github: Github): Record<string, pulumi.Output<string>> {
  if (github?.credential.kind !== "token") return {};
  const tokens = github.credential.value.apply(storedGithubTokens);
  return Object.fromEntries(
    Object.keys(storedGithubTokens("")).map((name) => [
      name,
      tokens.apply((each) => each[name] ?? ""),
    ]),
  );
}

function mintedFor(github: Github): MintedForHosts | undefined {
  if (github?.credential.kind !== "app") return undefined;
  const { appId, installationId, privateKey } = github.credential;
  return mintedByApp({ appId, installationId, privateKey, agents: github.agents });
}
