import { writeFile } from "node:fs/promises";
import { renderEditorSchema } from "../stacks/editor-schema.ts";

await writeFile(new URL("../stacks/config.schema.json", import.meta.url), renderEditorSchema());
console.log("wrote stacks/config.schema.json");
