import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, TestModule } from "vitest/node";
import { elapsed } from "../lab/progress.ts";

/** The environment variable that names the file to which {@link FileTimes} writes its list. */
export const FILE_TIMES = "CLAUDE_GATEWAY_FILE_TIMES";

/** How long a test file took, from loading it to the end of its last hook. */
export interface FileTime {
  /** Path below the project's folder. */
  readonly file: string;
  readonly milliseconds: number;
}

/** A vitest reporter of the time of each file, hooks included; vitest's own JSON report excludes hooks. */
export default class FileTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env[FILE_TIMES];
    if (file === undefined) return;
    writeFileSync(file, JSON.stringify(modules.map(timeOf)));
  }
}

function timeOf(module: TestModule): FileTime {
  const { setupDuration, collectDuration, duration } = module.diagnostic();
  return {
    file: relative(process.cwd(), module.moduleId),
    milliseconds: setupDuration + collectDuration + duration,
  };
}

/** The slowest files, slowest first, one per line. */
export function slowest(files: readonly FileTime[], count: number): string[] {
  return [...files]
    .sort((one, other) => other.milliseconds - one.milliseconds)
    .slice(0, count)
    .map(({ file, milliseconds }) => `${elapsed(milliseconds).padStart(13)}  ${file}`);
}
