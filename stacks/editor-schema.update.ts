import { writeFile } from "node:fs/promises";
import { renderEditorSchema } from "./editor-schema.ts";

await writeFile(new URL("./config.schema.json", import.meta.url), renderEditorSchema());
console.log("wrote stacks/config.schema.json");
