import { describe, expect, test } from "vitest";
import type {
  EnvoyConfigArgs,
  EnvoySecrets,
} from "../../../../../components/gateway/envoy/args.ts";
import {
  renderEnvoyConfig,
  renderEnvoySecrets,
} from "../../../../../components/gateway/envoy/render.ts";
import { priceTable } from "../../../../../components/usage/prices/table.ts";
import { envoySni } from "../../../../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate } from "../../../../../components/gateway/paths/envoy-terminate.ts";
import { hybrid as hybridVariant } from "../../../../../components/gateway/paths/hybrid.ts";
import { shim as shimVariant } from "../../../../../components/gateway/paths/shim.ts";

const terminate = { variant: envoyTerminate, credentialKind: "apiKey" } as const;
const shim = {
  variant: shimVariant,
  credentialKind: "apiKey",
  litellmHost: "litellm.ns.svc",
} as const;
const hybrid = {
  ...shim,
  variant: hybridVariant,
  allowHosts: ["b.example.com", "a.example.com"],
} as const;
const sni = { variant: envoySni, allowHosts: ["b.example.com", "a.example.com"] } as const;

const secrets: EnvoySecrets = {
  agents: [{ name: "dev-e", tokens: ["planted-token-of-dev-e"] }],
  credential: "planted-credential",
  litellm: { token: "planted-internal-token", placeholder: "sk-ant-placeholder-planted" },
};

interface Resource {
  readonly name: string;
}

function names(args: EnvoyConfigArgs, file: "listeners.json" | "clusters.json"): string[] {
  const { resources } = JSON.parse(renderEnvoyConfig(args)[file] ?? "") as {
    resources: Resource[];
  };
  return resources.map(({ name }) => name);
}

describe("the rendered files of a path", () => {
  test.each<{ args: EnvoyConfigArgs; listeners: string[]; clusters: string[] }>([
    { args: terminate, listeners: ["agents"], clusters: ["anthropic"] },
    {
      args: { ...terminate, allowHosts: ["b.example.com", "a.example.com"] },
      listeners: ["agents", "sni"],
      clusters: ["anthropic", "a.example.com", "b.example.com"],
    },
    { args: shim, listeners: ["agents", "egress"], clusters: ["anthropic", "litellm"] },
    {
      args: { ...hybrid, allowHosts: [] },
      listeners: ["agents", "egress"],
      clusters: ["anthropic", "litellm"],
    },
    {
      args: hybrid,
      listeners: ["agents", "egress", "sni"],
      clusters: ["anthropic", "litellm", "a.example.com", "b.example.com"],
    },
    {
      args: sni,
      listeners: ["sni"],
      clusters: ["a.example.com", "api.anthropic.com", "b.example.com"],
    },
  ])("$args.path: $listeners → $clusters", ({ args, listeners, clusters }) => {
    expect(names(args, "listeners.json")).toEqual(listeners);
    expect(names(args, "clusters.json")).toEqual(clusters);
    expect(Object.keys(renderEnvoyConfig(args))).toEqual([
      "bootstrap.json",
      "clusters.json",
      "listeners.json",
    ]);
  });

  test("the upstream may have another name", () => {
    const text = JSON.stringify(
      renderEnvoyConfig({ ...terminate, upstreamHost: "api.example.com" }),
    );
    expect(text).toContain("api.example.com");
    expect(text).not.toContain("api.anthropic.com");
  });

  test("the order of hosts, agents and tokens makes no difference", () => {
    const other = { ...hybrid, allowHosts: ["a.example.com", "b.example.com", "a.example.com"] };
    expect(renderEnvoyConfig(other)).toEqual(renderEnvoyConfig(hybrid));
    const agents = [
      { name: "dev-e", tokens: ["token-1-of-dev-e", "token-2-of-dev-e"] },
      { name: "dev-f", tokens: ["token-1-of-dev-f"] },
    ];
    const reversed = [...agents].reverse().map(({ name, tokens }) => ({
      name,
      tokens: [...tokens].reverse(),
    }));
    expect(renderEnvoySecrets(shim, { ...secrets, agents: reversed })).toEqual(
      renderEnvoySecrets(shim, { ...secrets, agents }),
    );
  });
});

describe("where LiteLLM is the next hop", () => {
  const files = renderEnvoySecrets(shim, secrets);
  const filesWith = (text: string) =>
    Object.keys(files).filter((name) => files[name]?.includes(text));

  test("each secret is in one file of Envoy's Secret", () => {
    expect(Object.keys(files).sort()).toEqual([
      "credential.json",
      "egress-routes.json",
      "litellm-token.json",
      "routes.json",
    ]);
    expect(filesWith("planted-credential")).toEqual(["credential.json"]);
    expect(filesWith("planted-internal-token")).toEqual(["litellm-token.json"]);
    // One for each route to the API.
    expect(filesWith("sk-ant-placeholder-planted")).toEqual(["egress-routes.json"]);
    expect(files["egress-routes.json"]?.split("sk-ant-placeholder-planted").length).toBe(3);
  });

  test("no file of the ConfigMap has one of them", () => {
    expect(JSON.stringify(renderEnvoyConfig(shim))).not.toContain("planted");
  });

  test("its token and its placeholder must be given", () => {
    expect(() => renderEnvoySecrets(shim, { ...secrets, litellm: undefined })).toThrow(
      "LiteLLM is the next hop, but has no token and no placeholder: give both",
    );
  });
});

describe("invalid arguments", () => {
  test.each([hybrid, terminate])(
    "TLS passthrough to the upstream next to the gateway's own routes, on $variant.name",
    (args) => {
      expect(() => renderEnvoyConfig({ ...args, allowHosts: ["api.anthropic.com"] })).toThrow(
        "allowHosts must not contain api.anthropic.com: TLS to it would bypass the gateway; remove it",
      );
    },
  );

  const agent = (name: string, ...tokens: string[]) => ({ name, tokens });
  const good = "planted-token-of-dev-e";
  test.each<{ what: string; given: Partial<EnvoySecrets>; error: string }>([
    {
      what: "an agent without a token",
      given: { agents: [agent("dev-e")] },
      error: "agent dev-e has no token",
    },
    {
      what: "an agent twice",
      given: { agents: [agent("dev-e", good), agent("dev-e", "other-token-of-dev-e")] },
      error: "agent dev-e is listed twice",
    },
    {
      what: "a token of two agents",
      given: { agents: [agent("dev-e", good), agent("dev-f", good)] },
      error: "agents dev-e and dev-f have the same token",
    },
    {
      what: "a short token",
      given: { agents: [agent("dev-e", "short")] },
      error: "agent dev-e has a token that is shorter",
    },
    {
      what: "a token with a space",
      given: { agents: [agent("dev-e", "planted token of dev-e")] },
      error:
        "agent dev-e has a token that is shorter than 16 characters or contains other characters",
    },
    {
      what: "no credential",
      given: { credential: undefined },
      error: "the real credential is empty",
    },
    {
      what: "an empty credential",
      given: { credential: "" },
      error: "the real credential is empty",
    },
    {
      what: "a credential with a line end",
      given: { credential: "planted-credential\n" },
      error: "the real credential is empty, or contains spaces",
    },
  ])("$what is refused, without showing a secret", ({ given, error }) => {
    let message = "";
    try {
      renderEnvoySecrets(terminate, { ...secrets, ...given });
    } catch (thrown) {
      message = (thrown as Error).message;
    }
    expect(message).toContain(error);
    expect(message).not.toMatch(/planted|short$|other-token/);
  });
});

describe("agents", () => {
  interface Route {
    readonly match: {
      readonly path?: string;
      readonly headers?: readonly Record<string, unknown>[];
      readonly dynamic_metadata?: readonly Record<string, unknown>[];
    };
    readonly route?: unknown;
    readonly name?: string;
  }

  const budgets = (usdPerDay: number) =>
    ({
      host: "ratelimit.claude-gateway.svc.cluster.local",
      limits: { all: { usdPerDay }, agents: {} },
      onFailure: "refuse",
    }) as const;

  function virtualHost(args: EnvoyConfigArgs, values: EnvoySecrets) {
    const file = JSON.parse(renderEnvoySecrets(args, values)["routes.json"] ?? "") as {
      resources: [
        { virtual_hosts: [{ routes: Route[]; metadata: { filter_metadata: { agent: unknown } } }] },
      ];
    };
    return file.resources[0].virtual_hosts[0];
  }

  const agents = [
    { name: "dev-f", tokens: ["token-1-of-dev-f"] },
    { name: "dev-e", tokens: ["token-2-of-dev-e", "token-1-of-dev-e"] },
  ];

  test("are identified by their tokens, in one table", () => {
    expect(virtualHost(terminate, { ...secrets, agents }).metadata.filter_metadata.agent).toEqual({
      "token-1-of-dev-e": "dev-e",
      "token-1-of-dev-f": "dev-f",
      "token-2-of-dev-e": "dev-e",
    });
  });

  test("add no route, and every relaying route requires an agent", () => {
    const { routes } = virtualHost({ ...terminate, routes: ["models"] }, { ...secrets, agents });
    const relaying = routes.filter(({ route }) => route !== undefined);
    expect(relaying.map(({ match }) => match.path)).toEqual([
      "/anthropic/v1/messages",
      "/anthropic/v1/messages/count_tokens",
      "/anthropic/v1/models",
    ]);
    for (const { match } of relaying) {
      expect(match.dynamic_metadata).toEqual([
        { filter: "gateway", path: [{ key: "agent" }], value: { present_match: true } },
      ]);
    }
    const others = virtualHost({ ...terminate, routes: ["models"] }, secrets).routes;
    const nameless = (all: readonly Route[]) => all.map((route) => ({ ...route, name: "" }));
    expect(nameless(others)).toEqual(nameless(routes));
  });

  test("all routes have one name, which changes with what the scripts read from the virtual host", () => {
    const named = (args: EnvoyConfigArgs, values: EnvoySecrets) => {
      const names = new Set(virtualHost(args, values).routes.map(({ name }) => name));
      expect(names.size).toBe(1);
      return [...names][0] ?? "";
    };
    const one = named(terminate, secrets);
    expect(one).toMatch(/^[0-9a-f]{32}$/);
    expect(named({ ...terminate, routes: ["models"] }, { ...secrets, credential: "other" })).toBe(
      one,
    );
    const changed = [
      named(terminate, { ...secrets, agents }),
      named({ ...terminate, prices: priceTable({ "claude-sonnet-5": { input: 1 } }) }, secrets),
      named({ ...terminate, budgets: budgets(5) }, secrets),
      named({ ...terminate, budgets: budgets(6) }, secrets),
    ];
    expect(new Set([one, ...changed]).size).toBe(5);
  });
});
