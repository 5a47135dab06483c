import { expect, test } from "vitest";
import { admissionRules } from "../../../../components/egress/admission-rules.ts";
import { gateContainer } from "../../../../components/egress/gate/gate.ts";

const gate = gateContainer({ image: "registry.example/node:1", probeAddress: "10.43.1.3" });
const rules = admissionRules({ gate, dnsAddress: "10.43.1.4" });

/** The expression of the only rule whose message begins with this text. */
function expression(message: string): string[] {
  const found = rules.filter((rule) => rule.message.startsWith(message));
  expect(found).toHaveLength(1);
  return found[0]?.expression.split(" && ") ?? [];
}

test("each rule has its own message", () => {
  expect(rules.map(({ message }) => message.split(":")[0])).toEqual([
    "the label claude-gateway/role=agent is missing",
    "the start gate is not the first init container, or differs from the stack's",
    "the DNS settings are not dnsPolicy None with the one nameserver 10.43.1.4",
    "a service account's token would be mounted",
    "ephemeral containers are not allowed in an agent's pod",
    "hostNetwork is not allowed in an agent's pod",
    "hostPID is not allowed in an agent's pod",
    "hostIPC is not allowed in an agent's pod",
    "hostPath volumes are not allowed in an agent's pod",
    "hostPort is not allowed in an agent's pod",
    "privileged containers are not allowed in an agent's pod",
    "allowPrivilegeEscalation is not false in every container",
    "capabilities are not {drop",
    "runAsNonRoot is not true for the pod",
    "the seccomp profile is not RuntimeDefault for the pod",
    "the pod's priority is not below the gateway's",
  ]);
});

test("the required gate is the patch's gate", () => {
  const first = "object.spec.initContainers[0]";
  expect(expression("the start gate")).toEqual(
    expect.arrayContaining([
      `${first}.name == "egress-gate"`,
      `${first}.image == "registry.example/node:1"`,
      `${first}.command == ["node","/etc/egress-gate/gate.mjs"]`,
      `size(${first}.env) == ${gate.env.length}`,
      `size(${first}.volumeMounts) == 1`,
      `!has(${first}.restartPolicy)`,
      `!has(${first}.args)`,
      `!has(${first}.envFrom)`,
    ]),
  );
  for (const { name, value } of gate.env) {
    expect(rules[1]?.expression).toContain(
      `${first}.env.exists(e, e.name == "${name}" && has(e.value) && e.value == "${value}")`,
    );
  }
});

test("the only nameserver is the agents' DNS", () => {
  expect(expression("the DNS settings")).toContain(
    'object.spec.dnsConfig.nameservers == ["10.43.1.4"]',
  );
});
