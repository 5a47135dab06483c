import { labelKeys, type Role } from "../../kubernetes/labels.ts";
import { podsHere, policy, type PolicySpec, tcp } from "../../kubernetes/policy-spec.ts";
import { ports } from "../../kubernetes/ports.ts";

/** Labels of the pods with that role. They do not depend on the path, so a toggle leaves the pods alone. */
export function budgetLabels(role: Extract<Role, "ratelimit" | "valkey">): Record<string, string> {
  return { [labelKeys.role]: role };
}

/** The rate-limit service's policy: the gateway's pods may ask it, and it may reach only Valkey, and no DNS. */
export function ratelimitPolicy(): PolicySpec {
  return policy(budgetLabels("ratelimit"), {
    ingress: [{ peers: [podsHere({ [labelKeys.role]: "gateway" })], ports: tcp(ports.ratelimit) }],
    egress: [{ peers: [podsHere(budgetLabels("valkey"))], ports: tcp(ports.valkey) }],
  });
}

/** Valkey's policy: only the rate-limit service may call it, so it has no password. It may reach nothing. */
export function valkeyPolicy(): PolicySpec {
  return policy(budgetLabels("valkey"), {
    ingress: [{ peers: [podsHere(budgetLabels("ratelimit"))], ports: tcp(ports.valkey) }],
  });
}
