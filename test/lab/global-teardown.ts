import type { TestProject } from "vitest/node";
import { LAB_NAME } from "./cluster/lab.ts";
import { openLab, takeDown } from "./cluster/index.ts";
import { lineProgress } from "./progress.ts";

/** The tests of a project share one lab. It is removed after the last of them. */
export default function setup({ config }: TestProject): () => Promise<void> {
  // Undefined where the project sets none, whatever vitest's type says.
  const env = config.env as Partial<typeof config.env> | undefined;
  return () => takeDown(openLab(undefined, env?.[LAB_NAME]), lineProgress());
}
