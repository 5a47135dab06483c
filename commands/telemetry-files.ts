import { writeFile } from "node:fs/promises";
import { telemetryFiles } from "../stacks/telemetry-files.ts";

for (const [name, text] of Object.entries(telemetryFiles())) {
  await writeFile(new URL(`../telemetry/${name}`, import.meta.url), text);
  console.log(`wrote telemetry/${name}`);
}
