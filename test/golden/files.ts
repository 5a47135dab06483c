import { fileURLToPath } from "node:url";
import type { Graph } from "./graph.ts";

/** The golden file of a configuration. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`./graphs/${name}.json`, import.meta.url));
}

/** A graph as its golden file has it. */
export function renderGraph(graph: Graph): string {
  return `${JSON.stringify(graph, null, 2)}\n`;
}
