/** Writes types.json again, after @pulumi/gcp or the kinds changed: `npx tsx test/lab/pulumi/gcp/types.update.ts`. */
import { writeFileSync } from "node:fs";

import { extractTypes } from "./extract-types.ts";
import { KINDS } from "./kinds.ts";

const file = new URL("types.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(extractTypes(Object.keys(KINDS)), null, 1)}\n`);
