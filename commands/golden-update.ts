import { writeFile } from "node:fs/promises";
import { configurations } from "../test/golden/configurations.ts";
import { goldenPath, renderGraph } from "../test/golden/files.ts";
import { registeredGraph } from "../test/golden/graph.ts";

for (const [name, { stack, config }] of Object.entries(configurations)) {
  await writeFile(goldenPath(name), renderGraph(await registeredGraph(stack, config)));
  console.log(`wrote test/golden/graphs/${name}.json`);
}
