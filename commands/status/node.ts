import type { Row } from "./report.ts";

/** A node as `kubectl get nodes --output=json` lists it. */
export interface Node {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: {
    readonly nodeInfo: { readonly kubeletVersion: string };
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
}

/** One row for each node. */
export function nodeRows(nodes: readonly Node[]): Row[] {
  return nodes.map(({ metadata: { name }, spec, status: { nodeInfo, conditions } }) => {
    const is = (type: string) =>
      conditions.some((one) => one.type === type && one.status === "True");
    const troubles = [
      ...(is("Ready") ? [] : ["not Ready"]),
      ...["MemoryPressure", "DiskPressure", "PIDPressure"].filter(is),
      ...(spec.unschedulable === true ? ["cordoned"] : []),
    ];
    return {
      title: `node ${name}`,
      text: `${nodeInfo.kubeletVersion}, ${troubles.length === 0 ? "Ready" : troubles.join(", ")}`,
      ...(troubles.length > 0 && { todo: `see why: kubectl describe node ${name}` }),
    };
  });
}
