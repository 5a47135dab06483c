import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderEditorSchema } from "../stacks/editor-schema.ts";
import { renderReportSchema } from "../test/verify/conformance/report/json-schema.ts";

const files = {
  "stacks/config.schema.json": renderEditorSchema(),
  "test/verify/conformance/report/report.schema.json": renderReportSchema(),
};

for (const [file, text] of Object.entries(files)) {
  await writeFile(join(import.meta.dirname, "..", file), text);
  console.log(`wrote ${file}`);
}
