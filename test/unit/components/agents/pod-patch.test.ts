import { expect, test } from "vitest";
import { applyPodPatch, podPatch } from "../../../../components/agents/pod-patch.ts";
import { gateContainer, gateVolume } from "../../../../components/egress/gate/gate.ts";

const gate = gateContainer({ image: "node:1", probeAddress: "10.43.1.3" });
const env = [{ name: "ANTHROPIC_BASE_URL", value: "http://gateway" }];
const patch = podPatch({ env, dnsAddress: "10.43.1.4", gate });
const container = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };

test("a patch contains everything that the admission policy requires", () => {
  expect(patch).toEqual({
    metadata: { labels: { "claude-gateway/role": "agent" } },
    spec: {
      automountServiceAccountToken: false,
      dnsPolicy: "None",
      dnsConfig: { nameservers: ["10.43.1.4"] },
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      initContainers: [gate],
      containers: [{ env, securityContext: container }],
      volumes: [gateVolume],
    },
  });
});

test("a workload without its own lists gets the patch's lists", () => {
  expect(applyPodPatch(patch, { spec: { containers: [{ name: "work" }] } })).toEqual({
    metadata: patch.metadata,
    spec: { ...patch.spec, containers: [{ name: "work", env, securityContext: container }] },
  });
});

test("a workload's own settings are kept, after the gate, and cannot weaken the patch", () => {
  const own = [{ name: "OWN", value: "1" }];
  const applied = applyPodPatch(patch, {
    metadata: { labels: { app: "work", "claude-gateway/role": "gateway" } },
    spec: {
      securityContext: { runAsUser: 1000, runAsNonRoot: false },
      initContainers: [{ name: "first" }],
      containers: [
        { name: "one", env: own, securityContext: { allowPrivilegeEscalation: true } },
        { name: "two", securityContext: { readOnlyRootFilesystem: true } },
      ],
      volumes: [{ name: "home" }],
      automountServiceAccountToken: true,
      dnsPolicy: "ClusterFirst",
      priorityClassName: "kept",
    },
  });
  expect(applied).toEqual({
    metadata: { labels: { app: "work", "claude-gateway/role": "agent" } },
    spec: {
      ...patch.spec,
      priorityClassName: "kept",
      securityContext: {
        runAsUser: 1000,
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      },
      initContainers: [gate, { name: "first", env, securityContext: container }],
      containers: [
        { name: "one", env: [...env, ...own], securityContext: container },
        {
          name: "two",
          env,
          securityContext: { ...container, readOnlyRootFilesystem: true },
        },
      ],
      volumes: [gateVolume, { name: "home" }],
    },
  });
});

test("no container can change a variable of the patch, and the workload's own variables may refer to it", () => {
  const own = { name: "OWN", value: "$(ANTHROPIC_BASE_URL)/x" };
  const other = { name: "ANTHROPIC_BASE_URL", value: "https://elsewhere.example" };
  const { spec } = applyPodPatch(patch, {
    spec: {
      initContainers: [{ name: "first", env: [other] }],
      containers: [{ name: "one", env: [other, own, other] }],
    },
  });
  expect(spec.initContainers[1]).toMatchObject({ name: "first", env });
  expect(spec.containers[0]).toMatchObject({ name: "one", env: [...env, own] });
});
