import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../../..");

/** A copy of the product that a test may change: all tracked files except tests. */
export function copyOfProduct(): { readonly dir: string; readonly remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), "claude-gateway-structure-"));
  for (const name of [
    "cli",
    "commands",
    "components",
    "infra",
    "stacks",
    "test",
    "package.json",
    "tsconfig.json",
    ".dependency-cruiser.js",
  ]) {
    cpSync(join(ROOT, name), join(dir, name), {
      recursive: true,
      // Test files are not part of it. Their helpers are, because commands use them.
      filter: (path) => !path.endsWith(".test.ts") && !path.endsWith("test/unit"),
    });
  }
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  return {
    dir,
    remove: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
