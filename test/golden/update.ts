import { writeFile } from "node:fs/promises";
import { configurations } from "./configurations.ts";
import { goldenPath, renderGraph } from "./files.ts";
import { registeredGraph } from "./graph.ts";

for (const [name, { stack, config }] of Object.entries(configurations)) {
  await writeFile(goldenPath(name), renderGraph(await registeredGraph(stack, config)));
  console.log(`wrote test/golden/graphs/${name}.json`);
}
