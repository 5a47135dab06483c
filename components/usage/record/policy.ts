import { labelKeys } from "../../kubernetes/labels.ts";
import { policy, type PolicySpec } from "../../kubernetes/policy-spec.ts";

/** Labels of the pod that adds up. */
export const recordLabels: Record<string, string> = { [labelKeys.role]: "usage" };

/** The pod's policy: no traffic at all. `kubectl exec` comes through the kubelet. */
export function recordPolicy(): PolicySpec {
  return policy(recordLabels, {});
}
