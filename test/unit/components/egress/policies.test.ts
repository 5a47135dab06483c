import { describe, expect, test } from "vitest";
import { agentPolicy } from "../../../../components/agents/policy.ts";
import { envoyPolicy } from "../../../../components/gateway/envoy/policy.ts";
import {
  type VariantName,
  variantNamed,
  variantNames,
} from "../../../../components/gateway/paths/index.ts";
import { isMetered } from "../../../../components/gateway/paths/variant.ts";
import { collectorOf } from "../../../../components/usage/telemetry/collector.ts";
import { defaultDeny } from "../../../../components/kubernetes/policy-spec.ts";
import {
  agentNamespaces,
  policies,
  role,
  agent,
  otherAgent,
  strangers,
  gateway,
  litellm,
  dns,
  probe,
  ratelimit,
  valkey,
  kubeDns,
} from "./policies-cluster.ts";
import {
  reached,
  reachedAs,
  inAny,
  inAnyBlock,
  inMostSpecificNetwork,
  matches,
  type Pod,
} from "./policy-reader.ts";

describe("what an agent reaches", () => {
  const expected: Record<VariantName, number[]> = {
    litellm: [4000],
    shim: [8080],
    "envoy-terminate": [8080, 8443],
    "envoy-sni": [8443],
    hybrid: [8080, 8443],
  };
  test.each(variantNames)("of the gateway on %s is only the agents' ports", (variant) => {
    expect(reached(agent, gateway(variant))).toEqual({ TCP: expected[variant], UDP: [] });
  });

  test.each(variantNames)(
    "of the gateway on %s without allowed hosts has no port for TLS but the API's",
    (variant) => {
      const without = [
        ...policies.filter(
          ({ spec }) => spec.podSelector.matchLabels?.["claude-gateway/path"] !== variant,
        ),
        { namespace: "llm", spec: envoyPolicy(variantNamed(variant), agentNamespaces) },
      ];
      const ports = variant === "envoy-sni" ? [8443] : variant === "litellm" ? [4000] : [8080];
      expect(reached(agent, gateway(variant), without)).toEqual({ TCP: ports, UDP: [] });
    },
  );

  test.each(["shim", "hybrid"] as const)("of LiteLLM on %s is nothing", (variant) => {
    expect(reached(agent, litellm(variant))).toEqual({ TCP: [], UDP: [] });
  });

  test("of its DNS is only the DNS port, with both protocols", () => {
    expect(reached(agent, dns)).toEqual({ TCP: [5353], UDP: [5353] });
  });

  test("of the probe is the open port, and only the agent's policy blocks the closed port", () => {
    expect(reached(agent, probe)).toEqual({ TCP: [7080], UDP: [] });
    const withoutItsOwn = policies.filter(({ namespace }) => namespace !== "dev-e");
    expect(reached(agent, probe, withoutItsOwn)).toEqual({ TCP: [7080, 7081], UDP: [] });
  });

  test.each([
    ["cluster DNS", kubeDns],
    ["another agent", otherAgent],
    ["the rate-limit service", ratelimit],
    ["Valkey", valkey],
    ["another pod of its namespace", { ...agent, labels: role("agent") }],
    ["the gateway of another stack", strangers["a gateway of another stack"]],
  ])("of %s is nothing", (_, pod) => {
    expect(reached(agent, pod as Pod)).toEqual({ TCP: [], UDP: [] });
  });

  test.each(["1.1.1.1", "160.79.104.10", "2606:4700:4700::1111", "169.254.169.254", "10.90.0.2"])(
    "of %s is nothing",
    (address) => {
      expect(reached(agent, address)).toEqual({ TCP: [], UDP: [] });
    },
  );
});

describe("what may be scraped", () => {
  const prometheus: Pod = { namespace: "monitoring", labels: { app: "prometheus", more: "yes" } };
  const anyPod: Pod = { namespace: "other-monitoring", labels: {} };

  test.each([prometheus, anyPod])("by $namespace is only the metrics", (scraper) => {
    for (const variant of variantNames)
      expect(reached(scraper, gateway(variant))).toEqual({ TCP: [8081], UDP: [] });
    expect(reached(scraper, ratelimit)).toEqual({ TCP: [9102], UDP: [] });
    for (const target of [litellm("shim"), dns, probe, agent])
      expect(reached(scraper, target)).toEqual({ TCP: [], UDP: [] });
  });

  test("without a scraper is nothing", () => {
    const unscraped = policies.filter(
      ({ spec }) => !JSON.stringify(spec.ingress).includes("monitoring"),
    );
    expect(policies.length - unscraped.length).toBe(2);
    for (const variant of variantNames)
      expect(reached(prometheus, gateway(variant), unscraped).TCP).toEqual([]);
  });

  test("by an agent is nothing", () => {
    expect(reached(agent, ratelimit)).toEqual({ TCP: [], UDP: [] });
  });
});

describe("with an OTLP receiver", () => {
  const metered = ["shim", "hybrid", "envoy-terminate"] as const;
  const receiver: Pod = { namespace: "observability", labels: { app: "collector" } };
  const withReceiver = (endpoint: string) => [
    ...policies.filter(({ namespace }) => namespace !== "dev-e"),
    ...[defaultDeny(), agentPolicy("llm", { otlp: true })].map((spec) => ({
      namespace: "dev-e",
      spec,
    })),
    ...metered.map((variant) => ({
      namespace: "llm",
      spec: envoyPolicy(variantNamed(variant), agentNamespaces, {
        allow: ["github.com"],
        otlp: collectorOf(endpoint),
      }),
    })),
  ];
  const inside = withReceiver("http://otel.observability.svc.cluster.local:4318");
  const outside = withReceiver("https://otlp.example.com");

  test.each(metered)("an agent also reaches the port for telemetry on %s", (variant) => {
    const ports = [4318, ...(variant === "shim" ? [8080] : [8080, 8443])];
    expect(reached(agent, gateway(variant), inside)).toEqual({ TCP: ports, UDP: [] });
    expect(reached(otherAgent, gateway(variant), inside).TCP).not.toContain(4318);
  });

  test.each(metered)(
    "Envoy on %s reaches exactly the receiver's port in the cluster",
    (variant) => {
      expect(reached(gateway(variant), receiver, inside)).toEqual({ TCP: [4318], UDP: [] });
      expect(reached(gateway(variant), receiver, outside)).toEqual({ TCP: [], UDP: [] });
      const elsewhere: Pod = { namespace: "default", labels: {} };
      expect(reached(gateway(variant), elsewhere, inside)).toEqual({ TCP: [], UDP: [] });
    },
  );

  test("no agent reaches the receiver", () => {
    for (const among of [inside, outside])
      expect(reached(agent, receiver, among)).toEqual({ TCP: [], UDP: [] });
  });

  test("only the agents reach the port for telemetry", () => {
    for (const stranger of Object.values(strangers))
      expect(reached(stranger, gateway("shim"), inside)).toEqual({ TCP: [], UDP: [] });
  });
});

describe.each(Object.entries(strangers))("%s", (_, stranger) => {
  const targets = [
    ...variantNames.map(gateway),
    litellm("shim"),
    litellm("hybrid"),
    dns,
    probe,
  ].concat([ratelimit, valkey]);
  test("reaches nothing in the gateway's namespace", () => {
    for (const target of targets) {
      expect(reached(stranger, target), JSON.stringify(target)).toEqual({ TCP: [], UDP: [] });
    }
  });
});

/** How a policy controller reads the address blocks of a rule: whether they contain an address. */
const readings = { Kubernetes: inAnyBlock, "kube-router": inMostSpecificNetwork };

describe.each(Object.entries(readings))("the way out, as %s reads it,", (_, reading) => {
  const reached = (source: Pod, target: Pod | string) => reachedAs(reading, source, target);
  const withWayOut = variantNames.map((variant) => [variant, gateway(variant)] as const);
  const notPublic = [
    ...["10.42.0.7", "10.43.0.1", "10.90.0.2", "169.254.169.254", "127.0.0.1", "192.168.1.1"],
    ...["172.31.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0"],
    ...[
      "::1",
      "fe80::1",
      "fd43::1",
      "fc00::1",
      "fd00::1",
      "fd20:ce::254",
      "ff02::1",
      "64:ff9b::a9fe:a9fe",
      "2002:a9fe:a9fe::",
    ],
  ];

  test.each(withWayOut)("on %s is only TCP 443 at public addresses, and cluster DNS", (_, pod) => {
    const addresses = ["1.1.1.1", "160.79.104.10", "9.255.255.255", "223.255.255.255"];
    for (const address of [...addresses, "2606:4700:4700::1111", "2a00:1450::1", "3ffe::1"]) {
      expect(reached(pod, address), address).toEqual({ TCP: [443], UDP: [] });
    }
    for (const address of notPublic) {
      expect(reached(pod, address), address).toEqual({ TCP: [], UDP: [] });
    }
    expect(reached(pod, kubeDns)).toEqual({ TCP: [53], UDP: [53] });
  });

  test.each([
    ["LiteLLM behind Envoy on shim", litellm("shim")],
    ["LiteLLM behind Envoy on hybrid", litellm("hybrid")],
    ["the agents' DNS", dns],
    ["the probe", probe],
    ["the rate-limit service", ratelimit],
    ["Valkey", valkey],
  ])("is closed for %s", (_, pod) => {
    for (const target of ["1.1.1.1", "2606:4700:4700::1111", kubeDns, gateway("envoy-sni")]) {
      expect(reached(pod, target)).toEqual({ TCP: [], UDP: [] });
    }
  });
});

describe.each(["shim", "hybrid"] as const)("between Envoy and LiteLLM on %s", (variant) => {
  test("each reaches one port of the other, and no port of another path", () => {
    expect(reached(gateway(variant), litellm(variant))).toEqual({ TCP: [4000], UDP: [] });
    expect(reached(litellm(variant), gateway(variant))).toEqual({ TCP: [8082], UDP: [] });
    const others = variantNames.filter((other) => other !== variant);
    for (const other of others) {
      expect(reached(gateway(variant), litellm(other))).toEqual({ TCP: [], UDP: [] });
      expect(reached(litellm(variant), gateway(other))).toEqual({ TCP: [], UDP: [] });
    }
  });
});

describe("what counts the spending", () => {
  const metered = variantNames.filter((variant) => isMetered(variantNamed(variant)));
  const unmetered = variantNames.filter((variant) => !metered.includes(variant));
  const nothing = { TCP: [], UDP: [] };

  test.each(metered)(
    "Envoy on %s reaches the rate-limit service's gRPC port, and not Valkey",
    (variant) => {
      expect(reached(gateway(variant), ratelimit)).toEqual({ TCP: [8081], UDP: [] });
      expect(reached(gateway(variant), valkey)).toEqual(nothing);
    },
  );

  test.each(unmetered)("the gateway on %s reaches neither", (variant) => {
    expect(reached(gateway(variant), ratelimit)).toEqual(nothing);
    expect(reached(gateway(variant), valkey)).toEqual(nothing);
  });

  test("without budgets, Envoy reaches neither", () => {
    const spec = envoyPolicy(variantNamed("envoy-terminate"), agentNamespaces);
    const among = policies
      .filter(({ spec }) => spec.podSelector.matchLabels?.["claude-gateway/path"] === undefined)
      .concat([{ namespace: "llm", spec }]);
    expect(reached(gateway("envoy-terminate"), ratelimit, among)).toEqual(nothing);
  });

  test("the rate-limit service reaches Valkey's port, and Valkey reaches nothing", () => {
    expect(reached(ratelimit, valkey)).toEqual({ TCP: [6379], UDP: [] });
    expect(reached(valkey, ratelimit)).toEqual(nothing);
    for (const variant of variantNames) {
      expect(reached(ratelimit, gateway(variant))).toEqual(nothing);
      expect(reached(valkey, gateway(variant))).toEqual(nothing);
    }
  });

  test("nobody else in the namespace reaches either", () => {
    for (const pod of [dns, probe, litellm("shim"), litellm("hybrid")]) {
      expect(reached(pod, ratelimit)).toEqual(nothing);
      expect(reached(pod, valkey)).toEqual(nothing);
    }
  });
});

describe("no policy contains what kube-router reads differently from Kubernetes:", () => {
  const rulesOf = ({ spec }: (typeof policies)[number]) => [
    ...spec.ingress.map(({ from, ports }) => ({ peers: from, ports })),
    ...spec.egress.map(({ to, ports }) => ({ peers: to, ports })),
  ];
  const rules = policies.flatMap(rulesOf);

  test("a port by its name, or a rule for everybody", () => {
    expect(rules.length).toBeGreaterThan(15);
    for (const { peers, ports } of rules) {
      expect(peers).not.toEqual([]);
      expect(ports).not.toEqual([]);
      for (const { port } of ports) expect(port).toBeTypeOf("number");
    }
  });

  test("a rule between pods of the same policy, which either direction alone would allow", () => {
    const everyPod = [
      agent,
      otherAgent,
      dns,
      probe,
      ratelimit,
      valkey,
      kubeDns,
      ...Object.values(strangers),
    ].concat(variantNames.flatMap((variant) => [gateway(variant), litellm(variant)]));
    for (const one of policies) {
      const selected = everyPod.filter(
        ({ namespace, labels }) =>
          namespace === one.namespace && matches(one.spec.podSelector.matchLabels, labels),
      );
      const peers = rulesOf(one).flatMap(({ peers }) => peers);
      const both = selected.filter((pod) => inAny(peers, pod, one.namespace, inAnyBlock));
      expect(both, JSON.stringify(one)).toEqual([]);
    }
  });
});
