import { fileURLToPath } from "node:url";
import type { Graph } from "./graph.ts";

/** Path of a configuration's golden file. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`./graphs/${name}.json`, import.meta.url));
}

/** A graph in the format of its golden file. */
export function renderGraph(graph: Graph): string {
  return `${JSON.stringify(graph, null, 2)}\n`;
}
