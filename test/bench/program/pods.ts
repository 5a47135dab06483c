import type { Target } from "../../lab/target.ts";

/** A pod of the gateway, and how long it took to start. */
export interface GatewayPod {
  readonly program: "envoy" | "litellm";
  /** From the kubelet's acceptance of the pod until Ready. Kubernetes reports both times in whole seconds. */
  readonly secondsToReady: number;
  /** Milliseconds since 1970. */
  readonly readyAt: number;
}

/** The fields of a pod that are read here. */
export interface PodObject {
  readonly spec: { readonly containers: readonly { readonly name: string }[] };
  readonly status: {
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
  };
}

/** The pods of Envoy and LiteLLM in a namespace. */
export async function gatewayPods(target: Target, namespace: string): Promise<GatewayPod[]> {
  const pods = await target.kubectl(["get", "pods", `--namespace=${namespace}`, "--output=json"]);
  return (JSON.parse(pods) as { items: PodObject[] }).items.flatMap(gatewayPod);
}

/** Empty for a pod of another kind. */
export function gatewayPod({ spec, status }: PodObject): GatewayPod[] {
  const programs = ["envoy", "litellm"] as const;
  const program = programs.find((name) => spec.containers.some((c) => c.name === name));
  const ready = status.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  if (program === undefined || ready === undefined || status.startTime === undefined) return [];
  const readyAt = Date.parse(ready);
  return [{ program, readyAt, secondsToReady: (readyAt - Date.parse(status.startTime)) / 1000 }];
}
